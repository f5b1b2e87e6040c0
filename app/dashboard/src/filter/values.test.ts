import { expect, test } from "vitest";
import { formatDuration, parseDuration } from "./duration";
import { toInstant, toLocalTime } from "./localTime";
import { isComplete } from "./operands";
import { addValues, hasSeveralValues, splitLines, splitValues, toValue } from "./values";

test.each([
  ["a\nb\r\nc", ["a", "b", "c"]],
  ["a, b;c\td", ["a", "b", "c", "d"]],
  ['"Doe, Jane", "say ""hi""", x', ["Doe, Jane", 'say "hi"', "x"]],
  ['5" pipe, 6" pipe', ['5" pipe', '6" pipe']],
  [" ,;\n", []],
])("pasted text is split: %j", (text, values) => {
  expect(splitValues(text, "STRING")).toEqual(values);
});

test("a value may have a comma, one a line", () => {
  expect(splitLines("Doe, Jane\n\n Roe; Rick ")).toEqual(["Doe, Jane", "Roe; Rick"]);
  expect(hasSeveralValues("Jane Doe\n", "STRING")).toBe(false);
  expect(hasSeveralValues("Jane, Rick", "STRING")).toBe(true);
});

test("a comma within a number does not split it", () => {
  expect(splitValues("1,500, 2;3\n4\t5", "NUMBER")).toEqual(["1,500", "2", "3", "4", "5"]);
  expect(hasSeveralValues("1,500", "NUMBER")).toBe(false);
  expect(hasSeveralValues("1, 2", "NUMBER")).toBe(true);
});

test("text becomes a value of the type", () => {
  expect(toValue("5", "NUMBER")).toBe(5);
  expect(toValue("1,500", "NUMBER")).toBe(1500);
  expect(toValue("1,5", "NUMBER")).toBe("1,5");
  expect(toValue("five", "NUMBER")).toBe("five");
  expect(toValue("true", "BOOLEAN")).toBe(true);
  expect(toValue("5", "STRING")).toBe("5");
  expect(toValue("5", "STRING", [5])).toBe(5);
  expect(addValues(["a", "b"], ["b", "c", "c"])).toEqual(["a", "b", "c"]);
});

test("20,000 pasted values are split at once", () => {
  const text = Array.from({ length: 20_000 }, (_, index) => `customer-${index}`).join("\n");
  const start = performance.now();

  expect(addValues([], splitValues(text, "STRING"))).toHaveLength(20_000);
  expect(performance.now() - start).toBeLessThan(200);
});

test.each([
  ["PT90M", { count: 90, unit: "minutes" }],
  ["PT5H", { count: 5, unit: "hours" }],
  ["P30D", { count: 30, unit: "days" }],
  ["P2W", { count: 2, unit: "weeks" }],
  ["P1.5D", { count: 1.5, unit: "days" }],
] as const)("a duration has a number and a unit: %s", (text, duration) => {
  expect(parseDuration(text)).toEqual(duration);
  expect(formatDuration(duration)).toBe(text);
});

test("a duration of several units, or without a number, is none", () => {
  expect(["P1DT2H", "P2M", "", "thirty"].map(parseDuration)).toEqual([null, null, null, null]);
  expect(formatDuration({ count: undefined, unit: "days" })).toBeUndefined();
  expect(formatDuration({ count: Number.NaN, unit: "days" })).toBeUndefined();
});

test.each([
  ["2026-01-15T12:00", "Europe/Warsaw", "2026-01-15T11:00:00.000Z"],
  ["2026-07-15T12:00", "Europe/Warsaw", "2026-07-15T10:00:00.000Z"],
  ["2026-03-29T03:30", "Europe/Warsaw", "2026-03-29T01:30:00.000Z"],
  ["2026-03-08T03:30", "America/New_York", "2026-03-08T07:30:00.000Z"],
  ["2026-01-01T00:00", "Asia/Kolkata", "2025-12-31T18:30:00.000Z"],
  ["2026-01-01T00:00", "UTC", "2026-01-01T00:00:00.000Z"],
  ["2026-03-01T11:20:30", "Europe/Warsaw", "2026-03-01T10:20:30.000Z"],
  ["2026-03-29T03:00:01.250", "Europe/Warsaw", "2026-03-29T01:00:01.250Z"],
  ["1969-12-31T23:59:59", "UTC", "1969-12-31T23:59:59.000Z"],
])("the time %s in %s is an instant", (localTime, timeZone, instant) => {
  expect(toInstant(localTime, timeZone)).toBe(instant);
  expect(toLocalTime(instant, timeZone)).toBe(localTime);
});

test("a time that the clocks skip becomes one near it", () => {
  const instant = toInstant("2026-03-29T02:30", "Europe/Warsaw");

  expect(["2026-03-29T00:30:00.000Z", "2026-03-29T01:30:00.000Z"]).toContain(instant);
  expect(toLocalTime("nothing", "UTC")).toBe("");
});

test("with a number that is refused, a condition is not finished", () => {
  expect(isComplete("YEARS", [null, 5])).toBe(true);
  expect(isComplete("YEARS", [Number.NaN, 5])).toBe(false);
  expect(isComplete("RANGE", [1, Number.NaN])).toBe(false);
  expect(isComplete("CIRCLE", { lat: 1, lon: 2, meters: Number.NaN })).toBe(false);
});
