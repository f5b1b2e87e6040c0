// node bundle.mjs FILE: bundles page.mjs for browsers.
import { build } from "rolldown";

await build({
  input: "page.mjs",
  platform: "browser",
  transform: { define: { "process.env.NODE_ENV": '"production"' } },
  output: { file: process.argv[2], format: "esm" },
});
