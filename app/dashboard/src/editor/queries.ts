import { keepPreviousData, queryOptions, skipToken } from "@tanstack/react-query";
import type { ResultOf } from "../api/graphql";
import { request } from "../api/request";
import { CompareFilter, DescribeSegment, JudgeFilter, SearchSegments } from "./operations";
import type { FilterInput } from "./usePreview";

/** Who would enter and leave the saved segment with the filter. */
export const comparisonQuery = (filter: FilterInput, segmentId: string) =>
  queryOptions({
    queryKey: ["comparison", segmentId, filter],
    queryFn: async ({ signal }) =>
      (await request(CompareFilter, { filter, segmentId }, signal)).segmentPreview.against,
    placeholderData: keepPreviousData,
    retry: false,
  });

/** Whether the filter holds for the customer, and why. Asks nothing without both. */
export const judgementQuery = (filter: FilterInput | null, customerId: string | undefined) =>
  queryOptions({
    queryKey: ["judgement", customerId, filter],
    queryFn:
      filter && customerId
        ? async ({ signal }) => {
            const variables = { filter, customer: { id: customerId } };
            return (await request(JudgeFilter, variables, signal)).segmentPreview.judge;
          }
        : skipToken,
    placeholderData: keepPreviousData,
    retry: false,
  });

export type FoundSegment = ResultOf<typeof SearchSegments>["segments"]["nodes"][number];

/** The first segments whose names have the text. */
export const segmentSearch = (search: string) => ({
  queryKey: ["segments", "search", search],
  queryFn: async ({ signal }: { signal: AbortSignal }) =>
    (await request(SearchSegments, { search: search || null }, signal)).segments.nodes,
});

/** The name and the sentence of a segment in a condition; null once it is deleted. */
export const namedSegmentQuery = (id: string | undefined) =>
  queryOptions({
    queryKey: ["segment", id, "named"],
    queryFn: id
      ? async ({ signal }) => (await request(DescribeSegment, { id }, signal)).segment
      : skipToken,
  });
