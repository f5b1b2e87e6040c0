import { numberText, toText } from "../ui/numberText";

const SEPARATORS = /[\n\r,;\t]/;
const NUMBER_SEPARATORS = /[\n\r;\t]|,\s/;

/** Whether pasted text has several values of the type. */
export const hasSeveralValues = (text: string, type: string) =>
  (type === "NUMBER" ? NUMBER_SEPARATORS : SEPARATORS).test(text.trim());

/**
 * Splits pasted text at line breaks, commas, semicolons and tabs, but not within double quotes,
 * which spreadsheets put around values with a comma. In numbers, a comma without a space after it
 * may be a part of one.
 */
export function splitValues(text: string, type: string): string[] {
  if (type === "NUMBER") return splitAt(NUMBER_SEPARATORS, text);
  const values: string[] = [];
  for (const match of text.matchAll(/ *"((?:[^"]|"")*)"(?=\s*(?:[\n\r,;\t]|$))|[^\n\r,;\t]+/g)) {
    const [whole, quoted] = match;
    values.push(quoted === undefined ? whole.trim() : quoted.replaceAll('""', '"'));
  }
  return values.filter(Boolean);
}

/** Splits text with one value a line. */
export const splitLines = (text: string) => splitAt(/[\n\r]+/, text);

const splitAt = (separator: RegExp, text: string) =>
  text
    .split(separator)
    .map((part) => part.trim())
    .filter(Boolean);

/**
 * Returns text as a value of the type, a number as the browser's language writes it. What is none
 * stays text, so that the API says what is wrong.
 */
export function toValue(text: string, type: string, allowedValues?: readonly unknown[] | null) {
  const allowed = allowedValues?.find((value) => toText(value) === text);
  if (allowed !== undefined) return allowed;
  if (type === "NUMBER") {
    const number = numberText.parse(text);
    return Number.isNaN(number) ? text : number;
  }
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
