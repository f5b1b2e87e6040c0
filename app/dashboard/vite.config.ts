import { defineConfig } from "vite";

const SERVER = process.env.SEGMENTS_URL ?? "http://127.0.0.1:8000";

export default defineConfig({
  base: "/app/",
  build: {
    target: "es2023",
    license: true,
    // An inline script would need an exception in the content security policy.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
  // `npm run dev` sends queries to a running `segments up`, which refuses those of other origins.
  server: {
    proxy: {
      "/graphql": {
        target: SERVER,
        changeOrigin: true,
        headers: { origin: new URL(SERVER).origin },
        ws: true,
        rewriteWsOrigin: true,
      },
    },
  },
});
