import type { OperandKind, Operator } from "./types";

interface GroupedOperator {
  operator: Operator;
  operand: OperandKind;
  /** The operator that this one negates. */
  negates: Operator | null;
}

const HEADINGS = ["is", "is not", "has"] as const;

/** Returns the operators below their headings, in the order in which they are given. */
export function groupOperators<Info extends GroupedOperator>(operators: readonly Info[]) {
  return HEADINGS.map((heading) => ({
    heading,
    members: operators.filter((info) => findHeading(info) === heading),
  })).filter(({ members }) => members.length > 0);
}

function findHeading({ operand, negates }: GroupedOperator): (typeof HEADINGS)[number] {
  // Whether there is a value, and how many there are.
  if (operand === "NOTHING" || operand === "INTEGER") return "has";
  return negates ? "is not" : "is";
}
