import { expect, test } from "vitest";
import { changeOverWeek, DAY_MS, splitAtGaps } from "./sizes";

const NOW = Date.parse("2026-11-29T12:00:00Z");
const HOUR_MS = DAY_MS / 24;

/** Sizes of so many hours ago. */
const sizesAt = (hours: readonly number[], memberCount = 1) =>
  hours.map((hour) => ({ at: new Date(NOW - hour * HOUR_MS).toISOString(), memberCount }));

/** The numbers from the first one down to the last one. */
const countDown = (first: number, last: number, step = 1) =>
  Array.from({ length: (first - last) / step + 1 }, (_, index) => first - index * step);

const lengthsOf = (hours: readonly number[]) =>
  splitAtGaps(sizesAt(hours), NOW).map((line) => line.length);

test("sizes of every hour are one line", () => {
  expect(lengthsOf(countDown(100, 0))).toEqual([101]);
});

test("the line is broken where several sizes are missing, not where one is", () => {
  expect(lengthsOf([...countDown(20, 10), ...countDown(8, 5), ...countDown(1, 0)])).toEqual([
    15, 2,
  ]);
});

test("a size between two gaps stands alone", () => {
  expect(lengthsOf([...countDown(30, 20), 12, ...countDown(5, 0)])).toEqual([11, 1, 6]);
});

test("only one size of each day is kept for longer than 30 days: this is no gap", () => {
  const days = countDown(24 * 33, 24 * 31, 24);
  expect(lengthsOf([...days, ...countDown(24 * 30, 0)])).toEqual([3 + 24 * 30 + 1]);
  expect(lengthsOf([24 * 40, ...days, ...countDown(24 * 30, 0)])).toEqual([1, 724]);
});

test("a thousand sizes out of three years are one line", () => {
  const step = (3 * 365 * 24) / 999;
  expect(lengthsOf(Array.from({ length: 1_000 }, (_, index) => (999 - index) * step))).toEqual([
    1_000,
  ]);
});

test.each([[[]], [[0]], [[5, 0]]])("%j hours ago have no gap that could be known", (hours) => {
  expect(lengthsOf(hours)).toEqual(hours.length > 0 ? [hours.length] : []);
});

test("the change is that since the size nearest to seven days ago", () => {
  const [old, near, recent] = [sizesAt([200], 1), sizesAt([170], 4), sizesAt([150, 0], 10)];
  expect(changeOverWeek([...old, ...near, ...recent], NOW)).toBe(6);
});

test.each([
  ["there is no size", []],
  ["the segment is new", sizesAt([48, 0])],
  ["the last size is old", sizesAt([168, 48])],
  ["no size is known of that time", sizesAt([300, 0])],
])("the change is not known if %s", (_, sizes) => {
  expect(changeOverWeek(sizes, NOW)).toBeNull();
});
