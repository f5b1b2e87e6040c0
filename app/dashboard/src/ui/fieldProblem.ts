import { createContext, useContext } from "react";

/** The id of the text that says what is wrong with a field; undefined if nothing is. */
export const FieldProblemContext = createContext<string | undefined>(undefined);

/** The id of the text that says what a field takes; undefined if none does. */
export const FieldHintContext = createContext<string | undefined>(undefined);

/**
 * Returns the attributes that mark a control as wrong, and lead to the texts about it. A problem
 * that the control itself finds, whose id is given, comes before that of the context.
 */
export function useProblemAttributes(ownProblemId?: string) {
  const contextProblemId = useContext(FieldProblemContext);
  const problemId = ownProblemId ?? contextProblemId;
  const hintId = useContext(FieldHintContext);
  const ids = [problemId, hintId].filter(Boolean).join(" ");
  return {
    ...(problemId && ({ "aria-invalid": true } as const)),
    ...(ids && { "aria-describedby": ids }),
  };
}
