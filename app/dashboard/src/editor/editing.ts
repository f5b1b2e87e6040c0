import { createContext, type Dispatch, useContext } from "react";
import type { Edit } from "../filter/edit";

/** Changes the filter in the editor. It stays the same function, so that parts can be memoized. */
export const EditContext = createContext<Dispatch<Edit>>(() => {});
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
