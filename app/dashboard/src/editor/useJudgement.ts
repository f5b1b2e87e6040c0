import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import type { Customer } from "../customers/queries";
import { type Explanation, readGroup } from "../explanations/explanation";
import type { SentFilter } from "../filter/send";
import { judgementQuery } from "./queries";
import type { usePreview } from "./usePreview";

/** What the conditions of the filter say about a customer, by the ids of their nodes. */
export type Marks = ReadonlyMap<string, Explanation>;

const NO_MARKS: Marks = new Map();

/** Asks the API whether the customer meets the filter, and what each condition says. */
export function useJudgement(preview: ReturnType<typeof usePreview>, customer: Customer | null) {
  const { filter, findNode } = preview;
  const { data, error, isPlaceholderData } = useQuery(judgementQuery(filter, customer?.id));
  const isCurrent = data && !isPlaceholderData && !preview.isStale;
  const marks = useMemo(
    () => (isCurrent ? collectMarks(data.explanation as Explanation, findNode) : NO_MARKS),
    [isCurrent, data, findNode],
  );
  return { data, error, marks };
}

function collectMarks(explanation: Explanation, findNode: SentFilter["findNode"]): Marks {
  const marks = new Map<string, Explanation>();
  function collect(part: Explanation, path: readonly string[]): void {
    const nodeId = findNode(path);
    if (nodeId) marks.set(nodeId, part);
    const group = readGroup(part);
    for (const [index, child] of group?.parts.entries() ?? []) {
      collect(child, [...path, group?.junction ?? "", String(index)]);
    }
  }
  collect(explanation, ["filter"]);
  return marks;
}
