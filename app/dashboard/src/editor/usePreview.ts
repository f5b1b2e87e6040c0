import { keepPreviousData, queryOptions, skipToken, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import type { VariablesOf } from "../api/graphql";
import { ApiError, request } from "../api/request";
import type { GroupNode } from "../filter/node";
import { type Operands, toSentFilter } from "../filter/send";
import { useDebounced } from "../ui/useDebounced";
import type { NodeProblem } from "./editing";
import { CompareFilter, PreviewFilter } from "./operations";

const TYPING_PAUSE_MS = 250;

export type FilterInput = VariablesOf<typeof PreviewFilter>["filter"];

/** Asks the API about the finished conditions of the tree, once the user pauses. */
export function usePreview(tree: GroupNode, operands: Operands) {
  const settledTree = useDebounced(tree, TYPING_PAUSE_MS);
  const sent = useMemo(() => toSentFilter(settledTree, operands), [settledTree, operands]);
  const filter = sent.filter as FilterInput | null;
  const query = useQuery({
    queryKey: ["preview", filter],
    queryFn: filter
      ? async ({ signal }) => (await request(PreviewFilter, { filter }, signal)).segmentPreview
      : skipToken,
    placeholderData: keepPreviousData,
    retry: false,
  });
  return {
    filter,
    unfinishedCount: sent.unfinishedCount,
    data: query.data,
    error: query.error,
    problem: findProblem(query.error, sent.findNode),
    isStale: query.isPlaceholderData || tree !== settledTree,
  };
}

/** Who would enter and leave the saved segment with the filter. */
export const comparisonQuery = (filter: object, segmentId: string) =>
  queryOptions({
    queryKey: ["comparison", segmentId, filter],
    queryFn: async ({ signal }) => {
      const variables = { filter: filter as FilterInput, segmentId };
      return (await request(CompareFilter, variables, signal)).segmentPreview.against;
    },
    placeholderData: keepPreviousData,
    retry: false,
  });

function findProblem(
  error: Error | null,
  findNode: (path: readonly string[]) => string | undefined,
): NodeProblem | null {
  if (!(error instanceof ApiError)) return null;
  const nodeId = findNode(error.path);
  return nodeId ? { nodeId, message: error.message } : null;
}
