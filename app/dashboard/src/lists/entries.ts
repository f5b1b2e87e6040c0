/** A line of a file or of pasted text, in columns. */
export interface Row {
  /** The number of the line in the text, from 1. */
  line: number;
  cells: string[];
  /** Whether nothing closes a quote at the beginning of a cell, which is a part of the text then. */
  hasOpenQuote?: true;
}

/** A value, for example the sourceId of a customer, and the line that has it. */
export interface Entry {
  line: number;
  text: string;
}

/** The values of a column. */
export interface Entries {
  entries: Entry[];
  /** How many rows have no value in it. */
  emptyCount: number;
}

/** A column by its index, or every column: each cell is a value then. */
export type Column = number | "every";

const DELIMITERS = [",", ";", "\t"] as const;
const INSPECTED_CHARACTERS = 10_000;
const BYTE_ORDER_MARK = /^\uFEFF/;
const QUOTED = /"[^"]*"/g;
const LINE_END = /\r\n|\n|\r/g;

/**
 * Splits CSV, or pasted lines, into rows without blank lines. Cells may be quoted as in RFC 4180, and
 * have no blanks around them.
 */
export function parseRows(text: string, delimiter = findDelimiter(text)): Row[] {
  const source = text.replace(BYTE_ORDER_MARK, "");
  const cellPattern = new RegExp(
    `(?:"([^"]*(?:""[^"]*)*)"|([^${delimiter}\\r\\n]*))(${delimiter}|\\r\\n|\\n|\\r|$)`,
    "gy",
  );
  const rows: Row[] = [];
  let row: Row = { line: 1, cells: [] };
  let line = 1;
  for (const [cell, quoted, plain = "", end] of source.matchAll(cellPattern)) {
    row.cells.push((quoted?.replaceAll('""', '"') ?? plain).trim());
    if (plain.startsWith('"')) row.hasOpenQuote = true;
    line += cell.match(LINE_END)?.length ?? 0;
    if (end === delimiter) continue;
    if (row.cells.some(Boolean)) rows.push(row);
    row = { line, cells: [] };
  }
  return rows;
}

export function readEntries(rows: readonly Row[], column: Column): Entries {
  const entries: Entry[] = [];
  let emptyCount = 0;
  for (const { line, cells } of rows) {
    const texts = column === "every" ? cells : cells.slice(column, column + 1);
    const values = texts.filter(Boolean);
    if (values.length === 0) emptyCount += 1;
    for (const text of values) entries.push({ line, text });
  }
  return { entries, emptyCount };
}

/** Returns the number of columns of the longest row. */
export const countColumns = (rows: readonly Row[]) =>
  rows.reduce((most, { cells }) => Math.max(most, cells.length), 0);

/** Returns the most frequent of comma, semicolon and tab outside of quotes. */
export function findDelimiter(text: string): string {
  const inspected = text.slice(0, INSPECTED_CHARACTERS).replaceAll(QUOTED, "");
  const count = (delimiter: string) => inspected.split(delimiter).length;
  return DELIMITERS.reduce((best, next) => (count(next) > count(best) ? next : best));
}
