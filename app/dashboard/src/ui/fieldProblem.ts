import { createContext, useContext } from "react";

/** The id of the text that says what is wrong with a field; undefined if nothing is. */
export const FieldProblemContext = createContext<string | undefined>(undefined);

/** Returns the attributes that mark a control as wrong, and lead to the text that says why. */
export function useProblemAttributes() {
  const id = useContext(FieldProblemContext);
  return id ? ({ "aria-invalid": true, "aria-describedby": id } as const) : {};
}
