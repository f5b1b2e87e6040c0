import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { limitConcurrency } from "../api/concurrency";
import type { ResultOf } from "../api/graphql";
import { request } from "../api/request";
import { CountMembers, ListMembers, ListSegments, ShowSegment } from "./operations";
import type { SegmentKind } from "./words";

const COUNT_STALE_MS = 60_000;
// A browser has six connections to a host: counts must leave some for everything else.
const MAX_RUNNING_COUNTS = 2;

const runCount = limitConcurrency(MAX_RUNNING_COUNTS);

export type ListedSegment = ResultOf<typeof ListSegments>["segments"]["nodes"][number];

/** The segments, page by page, by a part of the name and by kind. */
export const segmentsQuery = (search: string, kind: SegmentKind | "") =>
  infiniteQueryOptions({
    queryKey: ["segments", search, kind],
    queryFn: ({ pageParam, signal }) =>
      request(
        ListSegments,
        { search: search || null, kinds: kind ? [kind] : null, after: pageParam },
        signal,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: ({ segments: { pageInfo } }) =>
      pageInfo.hasNextPage ? pageInfo.endCursor : null,
    placeholderData: keepPreviousData,
  });

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

/** One segment; null if there is none with this id. */
export const segmentQuery = (id: string) =>
  queryOptions({
    queryKey: ["segment", id],
    queryFn: async ({ signal }) => (await request(ShowSegment, { id }, signal)).segment,
  });

export type ShownSegment = NonNullable<ResultOf<typeof ShowSegment>["segment"]>;

/** The members of a segment, page by page. */
export const membersQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: ["members", id],
    queryFn: async ({ pageParam, signal }) => {
      const { segment } = await request(ListMembers, { id, after: pageParam }, signal);
      return segment?.members;
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => (page?.pageInfo.hasNextPage ? page.pageInfo.endCursor : null),
  });
