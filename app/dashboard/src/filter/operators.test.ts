import { expect, test } from "vitest";
import { groupOperators } from "./operators";

const is = { operator: "IS", operand: "ONE_VALUE", negates: null } as const;
const isNot = { operator: "IS_NOT", operand: "ONE_VALUE", negates: "IS" } as const;
const hasValue = { operator: "HAS_VALUE", operand: "NOTHING", negates: null } as const;
const hasNone = { operator: "HAS_NO_VALUE", operand: "NOTHING", negates: "HAS_VALUE" } as const;
const size = { operator: "SIZE_IS", operand: "INTEGER", negates: null } as const;
const contains = { operator: "CONTAINS", operand: "NON_EMPTY_TEXT", negates: null } as const;

test("operators stand below what they say", () => {
  expect(groupOperators([is, isNot, hasValue, hasNone, contains, size])).toEqual([
    { heading: "is", members: [is, contains] },
    { heading: "is not", members: [isNot] },
    { heading: "has", members: [hasValue, hasNone, size] },
  ]);
});

test("a heading without operators is left out", () => {
  expect(groupOperators([is]).map(({ heading }) => heading)).toEqual(["is"]);
});
