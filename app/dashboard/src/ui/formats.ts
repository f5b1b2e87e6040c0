const numbers = new Intl.NumberFormat();
const dates = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const instants = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/** Formats a number in the language of the browser. */
export const formatNumber = (value: number) => numbers.format(value);

/** Formats a number with its sign: "+5", "−5". */
export const formatSigned = (value: number) =>
  `${value < 0 ? "−" : "+"}${formatNumber(Math.abs(value))}`;

/** Formats the day of an instant in the time zone of the browser. */
export const formatDate = (instant: string) => dates.format(new Date(instant));

/** Formats an instant to the minute in the time zone of the browser. */
export const formatInstant = (instant: string) => instants.format(new Date(instant));

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
