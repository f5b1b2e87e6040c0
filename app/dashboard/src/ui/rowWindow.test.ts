import { expect, test } from "vitest";
import { chooseRows } from "./rowWindow";

const choose = (start: number, end: number, count: number, kept: number | null = null) =>
  chooseRows({ start, end }, count, kept).map((range) => [range.start, range.end]);

test("rows in sight are rendered with a margin", () => {
  expect(choose(100, 120, 20_000)).toEqual([[90, 130]]);
});

test("the margin ends with the list", () => {
  expect(choose(0, 20, 25)).toEqual([[0, 25]]);
  expect(choose(0, 20, 0)).toEqual([[0, 0]]);
});

test("nothing is out of the list that has become shorter", () => {
  expect(choose(500, 520, 100)).toEqual([[100, 100]]);
});

test.each([
  [
    3,
    [
      [3, 4],
      [90, 130],
    ],
  ],
  [95, [[90, 130]]],
  [
    500,
    [
      [90, 130],
      [500, 501],
    ],
  ],
  [20_000, [[90, 130]]],
])("the row %d keeps the focus", (kept, ranges) => {
  expect(choose(100, 120, 20_000, kept)).toEqual(ranges);
});
