/** The units of durations, with their formats in ISO 8601. The API takes no months and no years. */
export const DURATION_UNITS = {
  minutes: "PT{}M",
  hours: "PT{}H",
  days: "P{}D",
  weeks: "P{}W",
} as const;

export type DurationUnit = keyof typeof DURATION_UNITS;

/** A duration as the user enters it. */
export interface Duration {
  /** Undefined as long as the user has not filled it in. */
  count: number | undefined;
  unit: DurationUnit;
}

const NUMBER = "(-?[0-9][0-9.e+]*)";

/** Returns a duration of one unit; null for one that has others, like P1DT2H. */
export function parseDuration(text: string): Duration | null {
  for (const [unit, format] of Object.entries(DURATION_UNITS)) {
    const [, count] = new RegExp(`^${format.replace("{}", NUMBER)}$`).exec(text) ?? [];
    if (count !== undefined) return { count: Number(count), unit: unit as DurationUnit };
  }
  return null;
}

/** Returns the duration in ISO 8601; undefined without a number, or with one that is refused. */
export const formatDuration = ({ count, unit }: Duration): string | undefined =>
  count === undefined || Number.isNaN(count)
    ? undefined
    : DURATION_UNITS[unit].replace("{}", String(count));
