import type { ComponentProps } from "react";
import { useProblemAttributes } from "./fieldProblem";

/** A native select that is marked while its value is refused. */
export function Select(props: ComponentProps<"select">) {
  return <select {...useProblemAttributes()} {...props} />;
}
