const SEPARATORS = /[\n\r,;\t]/;

/** Whether pasted text has several values. */
export const hasSeveralValues = (text: string) => SEPARATORS.test(text.trim());

/**
 * Splits pasted text at line breaks, commas, semicolons and tabs, but not within double quotes,
 * which spreadsheets put around values with a comma.
 */
export function splitValues(text: string): string[] {
  const values: string[] = [];
  for (const match of text.matchAll(/ *"((?:[^"]|"")*)"(?=\s*(?:[\n\r,;\t]|$))|[^\n\r,;\t]+/g)) {
    const [whole, quoted] = match;
    values.push(quoted === undefined ? whole.trim() : quoted.replaceAll('""', '"'));
  }
  return values.filter(Boolean);
}

/** Splits text with one value a line. */
export const splitLines = (text: string) =>
  text
    .split(/[\n\r]+/)
    .map((line) => line.trim())
    .filter(Boolean);

/** Returns text as a value of the type; as it is if it is none, so that the API says what is wrong. */
export function toValue(text: string, type: string, allowedValues?: readonly unknown[] | null) {
  const allowed = allowedValues?.find((value) => String(value) === text);
  if (allowed !== undefined) return allowed;
  if (type === "NUMBER" && Number.isFinite(Number(text))) return Number(text);
  if (type === "BOOLEAN" && (text === "true" || text === "false")) return text === "true";
  return text;
}

/** Whether the browser holds each number of the value as it is written: of large integers it loses digits. */
export function isExact(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isExact);
  return typeof value !== "number" || !Number.isInteger(value) || Number.isSafeInteger(value);
}

/** Adds values to a list that does not have them yet. */
export const addValues = (list: readonly unknown[], added: readonly unknown[]): unknown[] => [
  ...new Set([...list, ...added]),
];
