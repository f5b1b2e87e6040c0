import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import type { Customer } from "../customers/queries";
import { type Explanation, readGroup } from "../explanations/explanation";
import type { SentFilter } from "../filter/send";
import { isRefusal } from "./problems";
import { judgementQuery } from "./queries";
import type { usePreview } from "./usePreview";

/** What the conditions of the filter say about a customer, by the ids of their nodes. */
export type Marks = ReadonlyMap<string, Explanation>;

const NO_MARKS: Marks = new Map();

/** Asks the API whether the customer meets the filter, and what each condition says. */
export function useJudgement(preview: ReturnType<typeof usePreview>, customer: Customer | null) {
  const { filter, findPlace } = preview;
  const { data, error, isPlaceholderData } = useQuery(judgementQuery(filter, customer?.id));
  const isCurrent = data && !isPlaceholderData && !preview.isStale;
  const marks = useMemo(
    () => (isCurrent ? collectMarks(data.explanation as Explanation, findPlace) : NO_MARKS),
    [isCurrent, data, findPlace],
  );
  // What the API refuses in the filter, the preview has said.
  return { data, error: isRefusal(error) ? null : error, marks };
}

function collectMarks(explanation: Explanation, findPlace: SentFilter["findPlace"]): Marks {
  const marks = new Map<string, Explanation>();
  function collect(part: Explanation, path: readonly string[]): void {
    const nodeId = findPlace(path)?.nodeId;
    if (nodeId) marks.set(nodeId, part);
    const group = readGroup(part);
    for (const [index, child] of group?.parts.entries() ?? []) {
      collect(child, [...path, group?.junction ?? "", String(index)]);
    }
  }
  collect(explanation, ["filter"]);
  return marks;
}
