import type { Overrides } from "./profileQueries";

/** A value that the customer had, if a field of the profile were changed. */
export interface Change {
  id: string;
  path: string;
  value: unknown;
}

/** Returns the changes as the API takes them: nested objects. Null without a finished change. */
export function toOverrides(changes: readonly Change[]): Overrides {
  const overrides: Record<string, unknown> = {};
  for (const { path, value } of changes) {
    const isFinished = value !== undefined && value !== "" && !Number.isNaN(value);
    if (path && isFinished) setAt(overrides, splitPath(path), value);
  }
  return Object.keys(overrides).length > 0 ? overrides : null;
}

/** The name of an event may have dots: only the first and the last part of its path are keys. */
function splitPath(path: string): string[] {
  const keys = path.split(".");
  if (keys[0] !== "events") return keys;
  return ["events", keys.slice(1, -1).join("."), keys.at(-1) ?? ""];
}

function setAt(target: Record<string, unknown>, keys: readonly string[], value: unknown): void {
  const [key = "", ...rest] = keys;
  if (rest.length === 0) {
    target[key] = value;
    return;
  }
  target[key] ??= {};
  setAt(target[key] as Record<string, unknown>, rest, value);
}
