import { createContext, useContext } from "react";
import type { EditorActions } from "./keys";
import type { Marks } from "./useJudgement";

/** Changes the filter in the editor. It stays the same object, so that parts can be memoized. */
export const EditContext = createContext<Pick<EditorActions, "edit" | "duplicate">>({
  edit: () => {},
  duplicate: () => {},
});
export const useEdit = () => useContext(EditContext);

/** The error of the API, and the node of the filter at which it points. */
export interface NodeProblem {
  nodeId: string;
  message: string;
}

export const ProblemContext = createContext<NodeProblem | null>(null);
export const useNodeProblem = (nodeId: string) => {
  const problem = useContext(ProblemContext);
  return problem?.nodeId === nodeId ? problem.message : null;
};

/** What the conditions say about the customer with whom the filter is tried. */
export const JudgementContext = createContext<Marks>(new Map());
export const useNodeMark = (nodeId: string) => useContext(JudgementContext).get(nodeId);
