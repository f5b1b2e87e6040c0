import { expect, test } from "vitest";
import { ApiError } from "../api/request";
import { findWords, isRefusal, placeProblems } from "./problems";

const problem = (nodeId: string, field: string) => ({
  code: "INVALID_VALUE",
  message: `${field} of ${nodeId}`,
  path: [nodeId, field],
});

function refuse(...problems: ReturnType<typeof problem>[]): ApiError {
  const [first] = problems;
  return new ApiError("refused", "INVALID_VALUE", first?.path, problems);
}

const findPlace = ([nodeId, field]: readonly string[]) =>
  nodeId && nodeId !== "elsewhere" ? { nodeId, field } : undefined;

test("each node has its first problem", () => {
  const error = refuse(problem("a", "value"), problem("b", "path"), problem("a", "operator"));

  const { ofNodes, ofFilter } = placeProblems([null, error], findPlace, "root");

  expect([...ofNodes.values()].map(({ nodeId, field }) => [nodeId, field])).toEqual([
    ["a", "value"],
    ["b", "path"],
  ]);
  expect(ofFilter).toEqual([]);
});

test("what concerns no single condition concerns the filter", () => {
  const errors = [
    new ApiError("too slow", "TIMEOUT"),
    refuse(problem("root", "all")),
    refuse(problem("elsewhere", "x")),
  ];

  const { ofNodes, ofFilter } = placeProblems(errors, findPlace, "root");

  expect(ofNodes.size).toBe(0);
  expect(ofFilter).toEqual(errors);
  expect(errors.map(isRefusal)).toEqual([false, true, true]);
});

test("an unknown code has no words of the page", () => {
  expect(findWords("INVALID_VALUE")).toBeDefined();
  expect(findWords("SOMETHING_NEW")).toBeUndefined();
});
