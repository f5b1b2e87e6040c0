/** The type of the values of a column. Others can't be written in one cell. */
export type ValueType = "STRING" | "NUMBER" | "BOOLEAN" | "DATE" | "DATETIME";

const JSON_NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const BOOLEAN = /^(true|false)$/i;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** A cell that does not fit the type of its column. */
export class CellError extends Error {}

/** Returns the value that the API takes. Throws CellError. */
export function convertCell(text: string, type: ValueType): unknown {
  switch (type) {
    case "NUMBER":
      return convertNumber(text);
    case "BOOLEAN":
      if (!BOOLEAN.test(text)) throw new CellError(`“${text}” must be true or false`);
      return text.toLowerCase() === "true";
    case "DATE":
      if (!isDay(text)) throw new CellError(`“${text}” must be a date as 2026-12-31`);
      return text;
    default:
      return text;
  }
}

/**
 * Returns the type of a column without a definition, as `segments import` does: numbers only where
 * each value is a JSON number in its shortest form, so that 01067 and 5.10 stay text.
 */
export function detectType(texts: readonly string[]): ValueType {
  if (texts.length === 0) return "STRING";
  if (texts.every((text) => BOOLEAN.test(text))) return "BOOLEAN";
  const isNumber = (text: string) => JSON_NUMBER.test(text) && String(Number(text)) === text;
  return texts.every(isNumber) ? "NUMBER" : "STRING";
}

function convertNumber(text: string): number {
  const value = Number(text);
  if (!JSON_NUMBER.test(text)) throw new CellError(`“${text}” must be a number as 1234.5`);
  if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))) {
    throw new CellError(`“${text}” has more digits than a number keeps`);
  }
  return value;
}

function isDay(text: string): boolean {
  const day = new Date(`${text}T00:00:00Z`);
  return DAY.test(text) && !Number.isNaN(day.valueOf()) && day.toISOString().startsWith(text);
}
