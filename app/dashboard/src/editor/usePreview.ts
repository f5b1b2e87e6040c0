import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import type { GroupNode } from "../filter/node";
import { type Operands, toSentFilter } from "../filter/send";
import { useDebounced } from "../ui/useDebounced";
import { useLastValue } from "../ui/useLastValue";
import { isRefusal, placeProblems } from "./problems";
import { comparisonQuery, type FilterInput, previewQuery } from "./queries";

/**
 * Asks the API about the finished conditions of the tree, once the user pauses: who meets them, and
 * then who would enter and leave the saved segment with the id, if there is one.
 */
export function usePreview(tree: GroupNode, operands: Operands, segmentId: string | undefined) {
  const settledTree = useDebounced(tree);
  const sent = useMemo(() => toSentFilter(settledTree, operands), [settledTree, operands]);
  const filter = sent.filter as FilterInput | null;
  const preview = useQuery(previewQuery(filter));
  const isCounted = preview.isSuccess && !preview.isPlaceholderData;
  // One after the other: each of the two counts several times.
  const comparison = useQuery(comparisonQuery(isCounted ? filter : null, segmentId));
  const isSettled = tree === settledTree;
  const problems = useMemo(
    () => placeProblems([preview.error, comparison.error], sent.findPlace, settledTree.id),
    [preview.error, comparison.error, sent, settledTree],
  );
  return {
    filter,
    findPlace: sent.findPlace,
    unfinishedCount: sent.unfinishedCount,
    data: useLastValue(preview.data),
    isStale: !isCounted || !isSettled,
    isWaiting: !isSettled || preview.isFetching || comparison.isFetching,
    comparison: useLastValue(comparison.data),
    isComparisonStale: !isSettled || !comparison.isSuccess || comparison.isPlaceholderData,
    problems,
    isRefused: isSettled && (isRefusal(preview.error) || isRefusal(comparison.error)),
    retry: () => {
      if (preview.error) preview.refetch();
      else comparison.refetch();
    },
  };
}
