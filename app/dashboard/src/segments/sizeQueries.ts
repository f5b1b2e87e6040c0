import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { runCount } from "../api/counts";
import { request } from "../api/request";
import { CountAllCustomers, CountMembers, ReadSizeHistory } from "./sizeOperations";
import { DAY_MS, MAX_SIZES, type Size } from "./sizes";

const COUNT_STALE_MS = 60_000;

/** The exact number of members; null once the segment is deleted. */
export const memberCountQuery = (id: string) =>
  queryOptions({
    queryKey: ["memberCount", id],
    queryFn: async ({ signal }) => {
      const { segment } = await runCount(() => request(CountMembers, { id }, signal), signal);
      return segment?.memberCount ?? null;
    },
    staleTime: COUNT_STALE_MS,
  });

/** The number of all customers. */
export const allCustomersQuery = queryOptions({
  queryKey: ["allCustomers"],
  queryFn: async ({ signal }) =>
    (await request(CountAllCustomers, {}, signal)).project.customerCount,
  staleTime: COUNT_STALE_MS,
});

/** The counted sizes of a segment over a number of days, the oldest first. */
export interface SizeHistory {
  days: number;
  /** The first and the last instant, in milliseconds since 1970. */
  start: number;
  end: number;
  sizes: readonly Size[];
}

/** The sizes over a number of days, an even choice of at most so many points. */
export const sizeHistoryQuery = (id: string, days: number, points = MAX_SIZES) =>
  queryOptions({
    queryKey: ["sizeHistory", id, days, points],
    queryFn: async ({ signal }): Promise<SizeHistory> => {
      const now = Date.now();
      const start = now - days * DAY_MS;
      const from = new Date(start).toISOString();
      const { segment } = await request(ReadSizeHistory, { id, from, points }, signal);
      const sizes = segment?.sizeHistory ?? [];
      // The clock of this machine may be slow.
      const end = Math.max(now, Date.parse(sizes.at(-1)?.at ?? from));
      return { days, start, end, sizes };
    },
    placeholderData: keepPreviousData,
    staleTime: COUNT_STALE_MS,
  });
