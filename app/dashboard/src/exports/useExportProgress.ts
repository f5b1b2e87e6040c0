import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useSyncExternalStore } from "react";
import { connection } from "../api/socket";
import { subscribe, wait } from "../api/subscribe";
import { FollowExport } from "./operations";
import {
  type ExportPages,
  exportsQuery,
  isRunning,
  type ListedExport,
  listExports,
  withExport,
} from "./queries";

// A key has a limited number of subscriptions.
const MAX_FOLLOWED = 5;
const POLL_INTERVAL_MS = 1_000;
// While the socket tells of each advance, a poll only corrects what it has missed.
const SLOW_POLL_INTERVAL_MS = 15_000;
const RETRY_DELAY_MS = 5_000;

/** Puts each advance of a followed export into the shown pages, as soon as the API tells of it. */
export function useExportProgress(id: string, segmentId: string, isFollowed: boolean): void {
  const queryClient = useQueryClient();
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

/** Returns the ids of those running exports that are followed: the oldest, which workers run first. */
export const findFollowed = (rows: readonly ListedExport[]): ReadonlySet<string> =>
  new Set(
    rows
      .filter(isRunning)
      .slice(-MAX_FOLLOWED)
      .map(({ id }) => id),
  );

/** Returns how often the exports must be read: seldom while the socket tells of all that run. */
export function usePollInterval(): (data: ExportPages | undefined) => number | false {
  const { isConnected } = useSyncExternalStore(connection.subscribe, connection.get);
  return (data) => {
    const runningCount = listExports(data).filter(isRunning).length;
    if (runningCount === 0) return false;
    return isConnected && runningCount <= MAX_FOLLOWED ? SLOW_POLL_INTERVAL_MS : POLL_INTERVAL_MS;
  };
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
