import { expect, test } from "vitest";
import { findNextItem } from "./menuKeys";

const NAMES = ["Open", "Duplicate", "Export", "Delete"];

test("arrows go around, and Home and End to the ends", () => {
  expect(findNextItem("ArrowDown", 0, NAMES)).toBe(1);
  expect(findNextItem("ArrowDown", 3, NAMES)).toBe(0);
  expect(findNextItem("ArrowUp", 3, NAMES)).toBe(2);
  expect(findNextItem("ArrowUp", 0, NAMES)).toBe(3);
  expect(findNextItem("Home", 2, NAMES)).toBe(0);
  expect(findNextItem("End", 2, NAMES)).toBe(3);
});

test("a letter goes to the next item that begins with it", () => {
  expect(findNextItem("d", 0, NAMES)).toBe(1);
  expect(findNextItem("D", 1, NAMES)).toBe(3);
  expect(findNextItem("d", 3, NAMES)).toBe(1);
  expect(findNextItem("x", 0, NAMES)).toBeUndefined();
  expect(findNextItem("Enter", 0, NAMES)).toBeUndefined();
});

test("in a menu of one item, the focus stays", () => {
  expect(findNextItem("ArrowDown", 0, ["Open"])).toBe(0);
  expect(findNextItem("ArrowUp", 0, ["Open"])).toBeUndefined();
});
