// node run_libraries.mjs OPTIONS: runs each library, and writes what it received as JSON.
import { runLibraries } from "./libraries.mjs";

const options = JSON.parse(process.argv[2]);
process.stdout.write(JSON.stringify(await runLibraries({ ...options, platform: "Node.js" })));
