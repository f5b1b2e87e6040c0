import "./ui/tokens.css";
import "./ui/base.css";
import "./ui/controls.css";
import "./ui/tables.css";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Router } from "wouter";
import { useSearch } from "wouter/use-browser-location";
import { App } from "./App";
import { enterLinkedKey } from "./access/enterKey";
import { ReadViewer } from "./access/operations";
import { ApiError, reachability, request } from "./api/request";
import { applyTheme } from "./ui/theme";

const MAX_RETRIES = 2;

const queryClient = new QueryClient({
  defaultOptions: {
    // The server may be on this machine, and needs no network then.
    mutations: { networkMode: "always" },
    queries: {
      networkMode: "always",
      retry: (failures, error) =>
        failures < MAX_RETRIES && error instanceof ApiError && error.code === "UNREACHABLE",
    },
  },
});

// After an update the server no longer has the files of the page that is open.
window.addEventListener("vite:preloadError", async () => {
  // Without a connection, the page says so. A reload would lose it.
  await request(ReadViewer, {}).catch(() => null);
  if (reachability.get()) window.location.reload();
});

/** The router decodes the search before its parameters are decoded: “%2F” in a text became “/”. */
const useEncodedSearch = () => useSearch().replaceAll("%", "%25");

applyTheme();

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no element #root");
const reactRoot = createRoot(root);
enterLinkedKey(queryClient).then(() =>
  reactRoot.render(
    <StrictMode>
      <QueryClientProvider client={queryClient}>
        <Router base="/app" searchHook={useEncodedSearch}>
          <App />
        </Router>
      </QueryClientProvider>
    </StrictMode>,
  ),
);
