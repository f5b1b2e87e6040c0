const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/;

/** The last day and the last minute that fields take: without them, a year may have six digits. */
export const LAST_DAY = "9999-12-31";
export const LAST_TIME = `${LAST_DAY}T23:59`;

/** Whether the value is an instant in RFC 3339. */
export const isInstant = (value: unknown): value is string =>
  typeof value === "string" && INSTANT.test(value);

/**
 * Returns the instant as a field for times takes it: YYYY-MM-DDThh:mm in the time zone, with seconds
 * and milliseconds if it has some.
 */
export function toLocalTime(instant: string, timeZone: string): string {
  const milliseconds = Date.parse(instant);
  return Number.isNaN(milliseconds) ? "" : formatLocalTime(milliseconds, timeZone);
}

/**
 * Returns the instant of a time in the time zone, in RFC 3339. Of a time that the clocks show twice
 * it returns one instant; of one that they skip, an instant near it.
 */
export function toInstant(localTime: string, timeZone: string): string {
  const asUtc = Date.parse(`${localTime}Z`);
  const offsetAt = (milliseconds: number) =>
    Date.parse(`${formatLocalTime(milliseconds, timeZone)}Z`) - milliseconds;
  // The offset at the time may differ from the one that was guessed.
  const nearby = asUtc - offsetAt(asUtc);
  return new Date(asUtc - offsetAt(nearby)).toISOString();
}

/** Returns the step in seconds with which a field for times takes the local time. */
export function findStep(localTime: string): number {
  if (localTime.includes(".")) return 0.001;
  return localTime.split(":").length > 2 ? 1 : 60;
}

function formatLocalTime(milliseconds: number, timeZone: string): string {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
  });
  const parts = new Map(format.formatToParts(milliseconds).map(({ type, value }) => [type, value]));
  const year = (parts.get("year") ?? "").padStart(4, "0");
  const day = `${year}-${parts.get("month")}-${parts.get("day")}`;
  return `${day}T${parts.get("hour")}:${parts.get("minute")}${formatSeconds(milliseconds)}`;
}

/** Returns what of the instant a time to the minute leaves out; empty if that is nothing. */
function formatSeconds(milliseconds: number): string {
  const [, seconds = "", fraction = ""] =
    /(:\d\d)(\.\d+)Z/.exec(new Date(milliseconds).toISOString()) ?? [];
  if (fraction !== ".000") return seconds + fraction;
  return seconds === ":00" ? "" : seconds;
}
