import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useSyncExternalStore } from "react";
import { connection } from "../api/socket";
import { subscribe, wait } from "../api/subscribe";
import { FollowExport } from "./operations";
import { exportsQuery, isRunning, type ListedExport, withExport } from "./queries";

const POLL_INTERVAL_MS = 1_000;
// While the socket tells of each advance, a poll only corrects what it has missed.
const SLOW_POLL_INTERVAL_MS = 15_000;
const RETRY_DELAY_MS = 5_000;

/** Puts each advance of a running export into the shown pages, as soon as the API tells of it. */
export function useExportProgress(row: ListedExport, segmentId: string): void {
  const queryClient = useQueryClient();
  const { id } = row;
  const isFollowed = isRunning(row);
  useEffect(() => {
    if (!isFollowed) return;
    const controller = new AbortController();
    follow(
      id,
      (next) =>
        queryClient.setQueryData(exportsQuery(segmentId).queryKey, (data) =>
          withExport(data, next),
        ),
      controller.signal,
    );
    return () => controller.abort();
  }, [id, isFollowed, segmentId, queryClient]);
}

/** How often running exports must be read: seldom while the socket is connected. */
export function usePollInterval(): number {
  const isConnected = useSyncExternalStore(connection.subscribe, connection.isConnected);
  return isConnected ? SLOW_POLL_INTERVAL_MS : POLL_INTERVAL_MS;
}

async function follow(
  id: string,
  onAdvance: (row: ListedExport) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await subscribe(
      FollowExport,
      { id },
      ({ exportProgress }) => onAdvance(exportProgress),
      signal,
    ).catch(() => {
      // The poll goes on meanwhile, and shows the error if the API can't be reached.
    });
    await wait(RETRY_DELAY_MS, signal);
  }
}
