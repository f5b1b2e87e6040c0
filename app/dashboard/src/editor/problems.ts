import { ApiError, type ApiProblem } from "../api/request";
import type { SentFilter } from "../filter/send";

/** What the API refuses, and the node of the filter at which it points. */
export interface NodeProblem extends ApiProblem {
  nodeId: string;
  /** The field of the condition, like `value`. */
  field: string | undefined;
}

/** Problems of the API: those of single nodes, and the errors that concern the whole filter. */
export interface PlacedProblems {
  ofNodes: ReadonlyMap<string, NodeProblem>;
  ofFilter: readonly Error[];
}

const WORDS: Readonly<Record<string, string>> = {
  UNKNOWN_ATTRIBUTE: "This does not exist.",
  OPERATOR_NOT_APPLICABLE: "This comparison does not fit what it compares.",
  INVALID_VALUE: "This value does not fit.",
  NOT_FOUND: "This segment no longer exists.",
  SEGMENT_CYCLE: "With this condition the segment would depend on itself.",
  FILTER_EMPTY: "This group has no conditions.",
  FILTER_TOO_COMPLEX: "The filter is too large.",
  TIMEOUT: "Counting takes too long.",
  RATE_LIMITED: "There were too many requests. Wait a few seconds.",
  QUERY_TOO_COMPLEX: "This is too much for one request.",
};

/** Returns the code in words of the page; undefined if it has none, and the message must do. */
export const findWords = (code: string | undefined): string | undefined => WORDS[code ?? ""];

/** Assigns what the API reports to the nodes at which it points: to each node its first problem. */
export function placeProblems(
  errors: readonly (Error | null)[],
  findPlace: SentFilter["findPlace"],
  rootId: string,
): PlacedProblems {
  const ofNodes = new Map<string, NodeProblem>();
  const ofFilter: Error[] = [];
  for (const error of errors) {
    const placed = placeError(error, findPlace).filter(({ nodeId }) => nodeId !== rootId);
    for (const problem of placed) {
      if (!ofNodes.has(problem.nodeId)) ofNodes.set(problem.nodeId, problem);
    }
    if (error && placed.length === 0) ofFilter.push(error);
  }
  return { ofNodes, ofFilter };
}

function placeError(error: Error | null, findPlace: SentFilter["findPlace"]): NodeProblem[] {
  if (!(error instanceof ApiError)) return [];
  return error.problems.flatMap((problem) => {
    const place = findPlace(problem.path);
    return place ? [{ ...problem, ...place }] : [];
  });
}

/** Whether the API refuses the filter, so that it can't be saved. */
export const isRefusal = (error: Error | null) =>
  error instanceof ApiError && error.path.length > 0;
