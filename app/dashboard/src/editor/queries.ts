import { keepPreviousData, queryOptions, skipToken } from "@tanstack/react-query";
import { runCount } from "../api/counts";
import type { ResultOf, VariablesOf } from "../api/graphql";
import { request, requestWithHints } from "../api/request";
import {
  CompareFilter,
  DescribeSegment,
  JudgeFilter,
  PreviewFilter,
  SearchSegments,
} from "./operations";

export type FilterInput = VariablesOf<typeof PreviewFilter>["filter"];

/** Who meets the filter, and hints about it. Asks nothing without a filter. */
export const previewQuery = (filter: FilterInput | null) =>
  queryOptions({
    queryKey: ["preview", filter],
    queryFn: filter
      ? ({ signal }) =>
          runCount(async () => {
            const { data, hints } = await requestWithHints(PreviewFilter, { filter }, signal);
            return { ...data.segmentPreview, hints };
          }, signal)
      : skipToken,
    placeholderData: keepPreviousData,
    retry: false,
  });

/** Who would enter and leave the saved segment with the filter. Asks nothing without both. */
export const comparisonQuery = (filter: FilterInput | null, segmentId: string | undefined) =>
  queryOptions({
    queryKey: ["comparison", segmentId, filter],
    queryFn:
      filter && segmentId
        ? ({ signal }) =>
            runCount(async () => {
              const variables = { filter, segmentId };
              return (await request(CompareFilter, variables, signal)).segmentPreview.against;
            }, signal)
        : skipToken,
    placeholderData: keepPreviousData,
    retry: false,
  });

export type FilterComparison = ResultOf<typeof CompareFilter>["segmentPreview"]["against"];

/** Whether the filter holds for the customer, and why. Asks nothing without both. */
export const judgementQuery = (filter: FilterInput | null, customerId: string | undefined) =>
  queryOptions({
    queryKey: ["judgement", customerId, filter],
    queryFn:
      filter && customerId
        ? ({ signal }) =>
            runCount(async () => {
              const variables = { filter, customer: { id: customerId } };
              return (await request(JudgeFilter, variables, signal)).segmentPreview.judge;
            }, signal)
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
