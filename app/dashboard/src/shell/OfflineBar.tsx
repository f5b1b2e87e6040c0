import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useSyncExternalStore } from "react";
import { viewerQuery } from "../access/viewer";
import { reachability } from "../api/request";
import { announce } from "../ui/Status";

const RETRY_MS = 5_000;
const TEXT = "The connection to the server is lost. What you see may be old.";

/** Says that the server does not answer, until it does. Then it lets failed queries run again. */
export function OfflineBar() {
  const isReachable = useSyncExternalStore(reachability.subscribe, reachability.get);
  const queryClient = useQueryClient();
  useEffect(() => {
    if (isReachable) return;
    announce(TEXT);
    const timer = setInterval(() => queryClient.refetchQueries(viewerQuery), RETRY_MS);
    return () => {
      clearInterval(timer);
      announce("The server answers again.");
      queryClient.refetchQueries({
        type: "active",
        predicate: ({ state }) => state.status === "error",
      });
    };
  }, [isReachable, queryClient]);
  return isReachable ? null : <p className="offline-bar">{TEXT}</p>;
}
