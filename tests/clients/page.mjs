// The script of a page: runs each library with the options in the fragment of its URL, and shows what
// they received as JSON.
import { runLibraries } from "./libraries.mjs";

const options = JSON.parse(decodeURIComponent(location.hash.slice(1)));
document.body.textContent = JSON.stringify(await runLibraries({ ...options, platform: "Chromium" }));
