import { expect, test } from "vitest";
import { chooseByKey, chooseTicks, findNearest } from "./chart";

test.each([
  [0, 0, [0, 1]],
  [0, 3, [0, 1, 2, 3]],
  [5, 5, [5, 6]],
  [3, 1_900, [0, 500, 1_000, 1_500, 2_000]],
  [20_010, 20_050, [20_010, 20_020, 20_030, 20_040, 20_050]],
])("the axis of %d to %d", (least, most, ticks) => {
  expect(chooseTicks(least, most)).toEqual(ticks);
});

test("the nearest point is found", () => {
  const points = [10, 20, 40].map((time) => ({ time, value: 1 }));
  expect([0, 14, 16, 31, 99].map((time) => findNearest(points, time))).toEqual([0, 0, 1, 2, 2]);
  expect(findNearest([], 5)).toBe(-1);
});

test.each([
  ["ArrowRight", null, 0],
  ["ArrowLeft", null, 29],
  ["ArrowRight", 29, 29],
  ["ArrowLeft", 5, 4],
  ["PageUp", 25, 29],
  ["PageDown", 25, 15],
  ["Home", 7, 0],
  ["End", 7, 29],
  ["Enter", 7, null],
])("%s at %j of 30 points chooses %j", (key, index, chosen) => {
  expect(chooseByKey(key, index, 30)).toBe(chosen);
});
