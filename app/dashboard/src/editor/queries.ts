import { keepPreviousData, type QueryKey, queryOptions, skipToken } from "@tanstack/react-query";
import { runCount } from "../api/counts";
import type { ResultOf, VariablesOf } from "../api/graphql";
import { request, requestWithHints } from "../api/request";
import {
  CompareFilter,
  DescribeSegment,
  JudgeFilter,
  PreviewFilter,
  ReadSegmentUses,
  SearchSegments,
} from "./operations";

export type FilterInput = VariablesOf<typeof PreviewFilter>["filter"];

/** A query that counts customers, and keeps its last answer meanwhile. Asks nothing without `ask`. */
const countingQuery = <Answer>(
  queryKey: QueryKey,
  ask: ((signal: AbortSignal) => Promise<Answer>) | null,
) =>
  queryOptions({
    queryKey,
    queryFn: ask ? ({ signal }) => runCount(() => ask(signal), signal) : skipToken,
    placeholderData: keepPreviousData,
    retry: false,
  });

/** Who meets the filter, and hints about it. Asks nothing without a filter. */
export const previewQuery = (filter: FilterInput | null) =>
  countingQuery(
    ["preview", filter],
    filter &&
      (async (signal) => {
        const { data, hints } = await requestWithHints(PreviewFilter, { filter }, signal);
        return { ...data.segmentPreview, hints };
      }),
  );

/** Who would enter and leave the saved segment with the filter. Asks nothing without both. */
export const comparisonQuery = (filter: FilterInput | null, segmentId: string | undefined) =>
  countingQuery(
    ["comparison", segmentId, filter],
    filter && segmentId
      ? async (signal) =>
          (await request(CompareFilter, { filter, segmentId }, signal)).segmentPreview.against
      : null,
  );

export type FilterComparison = ResultOf<typeof CompareFilter>["segmentPreview"]["against"];

/** Whether the filter holds for the customer, and why. Asks nothing without both. */
export const judgementQuery = (filter: FilterInput | null, customerId: string | undefined) =>
  countingQuery(
    ["judgement", customerId, filter],
    filter && customerId
      ? async (signal) => {
          const variables = { filter, customer: { id: customerId } };
          return (await request(JudgeFilter, variables, signal)).segmentPreview.judge;
        }
      : null,
  );

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

/** The ids of the segments whose filters contain the segment, directly or not, and its own. */
export const containingSegmentsQuery = (id: string | undefined) =>
  queryOptions({
    queryKey: ["segments", "containing", id],
    queryFn: id
      ? async ({ signal }) => {
          const found = new Set([id]);
          // The loop comes to those, too, that it adds.
          for (const containedId of found) {
            const { segment } = await request(ReadSegmentUses, { id: containedId }, signal);
            for (const use of segment?.usedBy ?? []) {
              if (use.kind === "SEGMENT") found.add(use.id);
            }
          }
          return found;
        }
      : skipToken,
  });
