import type { OperandKind, TimeWindow } from "./types";
import { isExact } from "./values";

export const PERIODS = [
  "TODAY",
  "YESTERDAY",
  "TOMORROW",
  "THIS_WEEK",
  "LAST_WEEK",
  "NEXT_WEEK",
  "THIS_MONTH",
  "LAST_MONTH",
  "NEXT_MONTH",
  "THIS_YEAR",
  "LAST_YEAR",
  "NEXT_YEAR",
] as const;

/** Whether the whole value is filled in and can be sent as it is written. Whether it is valid, the API says. */
export function isComplete(kind: OperandKind | undefined, value: unknown): boolean {
  if (!isExact(value)) return false;
  switch (kind) {
    case undefined:
      return false;
    case "NOTHING":
      return true;
    case "LIST":
    case "ELEMENTS":
      return Array.isArray(value) && value.length > 0;
    case "RANGE":
      return Array.isArray(value) && value.length === 2 && value.every(isFilledIn);
    case "YEARS":
      // Without its refused bound, the condition would mean something else.
      return Array.isArray(value)
        ? value.some(isFilledIn) && !value.some(Number.isNaN)
        : isFilledIn(value);
    case "CIRCLE":
      return ["lat", "lon", "meters"].every((key) => isFilledIn(readKey(value, key)));
    default:
      return isFilledIn(value);
  }
}

/** Whether the user has filled in the whole window. */
export const isWindowComplete = (window: TimeWindow) =>
  Object.values(window).every((bound: string | { from: string; to: string }) =>
    typeof bound === "string" ? isFilledIn(bound) : Object.values(bound).every(isFilledIn),
  );

/** Returns a property of a value that may not be an object. */
export function readKey(value: unknown, key: string): unknown {
  return (value as Record<string, unknown> | null | undefined)?.[key];
}

/** A field whose text is no number has the value NaN. */
const isFilledIn = (value: unknown) =>
  value !== undefined && value !== null && value !== "" && !Number.isNaN(value);
