import { createContext, useContext } from "react";
import type { EditorActions } from "./keys";
import type { NodeProblem } from "./problems";
import type { Marks } from "./useJudgement";

/** Changes the filter in the editor. It stays the same object, so that parts can be memoized. */
export const EditContext = createContext<Pick<EditorActions, "edit" | "duplicate">>({
  edit: () => {},
  duplicate: () => {},
});
export const useEdit = () => useContext(EditContext);

/** The id of the segment whose filter is edited; undefined for a new one. */
export const SegmentIdContext = createContext<string | undefined>(undefined);

/** What the API refuses in the filter, by the ids of the nodes. */
export const ProblemContext = createContext<ReadonlyMap<string, NodeProblem>>(new Map());
export const useNodeProblem = (nodeId: string) => useContext(ProblemContext).get(nodeId);

/** What the conditions say about the customer with whom the filter is tried. */
export const JudgementContext = createContext<Marks>(new Map());
export const useNodeMark = (nodeId: string) => useContext(JudgementContext).get(nodeId);
