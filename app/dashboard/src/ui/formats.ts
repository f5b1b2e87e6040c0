const numbers = new Intl.NumberFormat();
const dates = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const instants = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const times = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const rates = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const percents = new Intl.NumberFormat(undefined, { style: "percent" });
const shares = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 });
const MIN_SHARE = 0.001;
const createUnitFormat = (unit: string) =>
  new Intl.NumberFormat(undefined, { style: "unit", unit, maximumFractionDigits: 1 });
const hours = createUnitFormat("hour");
const minutes = createUnitFormat("minute");
const seconds = createUnitFormat("second");

/** Formats a number in the language of the browser. */
export const formatNumber = (value: number) => numbers.format(value);

/** Formats a number with its sign: "+5", "−5". */
export const formatSigned = (value: number) =>
  `${value < 0 ? "−" : "+"}${formatNumber(Math.abs(value))}`;

/** Formats the day of an instant in the time zone of the browser. */
export const formatDate = (instant: string) => dates.format(new Date(instant));

/** Formats an instant to the minute in the time zone of the browser. */
export const formatInstant = (instant: string) => instants.format(new Date(instant));

/** Formats the time of an instant to the second in the time zone of the browser. */
export const formatTime = (instant: string) => times.format(new Date(instant));

/** Formats a rate, with one decimal at most. */
export const formatRate = (value: number) => rates.format(value);

/** Formats a ratio from 0 to 1 as whole percent. */
export const formatPercent = (ratio: number) => percents.format(ratio);

/** Formats a share of a whole as percent: a small one with a decimal, the smallest as "<0.1%". */
export function formatShare(ratio: number): string {
  if (ratio > 0 && ratio < MIN_SHARE) return `<${shares.format(MIN_SHARE)}`;
  return ratio < 0.1 ? shares.format(ratio) : formatPercent(ratio);
}

/** Formats a duration in hours, minutes or seconds, with one decimal at most. */
export function formatSeconds(duration: number): string {
  if (duration >= 7_200) return hours.format(duration / 3_600);
  return duration >= 120 ? minutes.format(duration / 60) : seconds.format(duration);
}

/** Returns the number with the noun: "1 customer", "2 customers". */
export function formatCount(count: number, noun: string, plural = `${noun}s`): string {
  return `${formatNumber(count)} ${count === 1 ? noun : plural}`;
}

/** Formats an amount of the API, which is in minor units: cents. Without a currency it stays so. */
export function formatAmount(amount: number, currency: string | null): string {
  if (!currency) return formatNumber(amount);
  const format = new Intl.NumberFormat(undefined, { style: "currency", currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 0;
  return format.format(amount / 10 ** digits);
}
