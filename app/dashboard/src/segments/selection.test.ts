import { expect, test } from "vitest";
import { describeSelection } from "./selection";

const ALL = { search: "", kind: "", isUnused: false, sorting: null } as const;

test("the selection is told with each of its conditions", () => {
  expect(describeSelection(ALL)).toBe("");
  expect(describeSelection({ ...ALL, isUnused: true })).toBe("that nothing uses");
  expect(describeSelection({ ...ALL, search: "vip", kind: "ACTIVE", isUnused: true })).toBe(
    "of the kind “Active” with “vip” in its name that nothing uses",
  );
});
