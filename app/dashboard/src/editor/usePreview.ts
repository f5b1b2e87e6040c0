import { keepPreviousData, skipToken, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import type { VariablesOf } from "../api/graphql";
import { ApiError, request } from "../api/request";
import type { GroupNode } from "../filter/node";
import { type Operands, type SentFilter, toSentFilter } from "../filter/send";
import { useDebounced } from "../ui/useDebounced";
import type { NodeProblem } from "./editing";
import { PreviewFilter } from "./operations";

export type FilterInput = VariablesOf<typeof PreviewFilter>["filter"];

/** Asks the API about the finished conditions of the tree, once the user pauses. */
export function usePreview(tree: GroupNode, operands: Operands) {
  const settledTree = useDebounced(tree);
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
    findNode: sent.findNode,
    unfinishedCount: sent.unfinishedCount,
    data: query.data,
    error: query.error,
    problem: findProblem(query.error, sent.findNode),
    isStale: query.isPlaceholderData || tree !== settledTree,
  };
}

/** Returns the node at which an error of the API points; null if it points at none. */
export function findProblem(
  error: Error | null,
  findNode: SentFilter["findNode"],
): NodeProblem | null {
  if (!(error instanceof ApiError)) return null;
  const nodeId = findNode(error.path);
  return nodeId ? { nodeId, message: error.message } : null;
}
