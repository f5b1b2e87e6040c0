import type { VariablesOf } from "../api/graphql";
import { isSourceId, MAX_SOURCE_ID_LENGTH } from "../customers/sourceId";
import type { Row } from "../lists/entries";
import { REPLACEMENT_CHARACTER } from "../ui/decodeText";
import { formatCount } from "../ui/formats";
import { KEY_PATH, type MappedColumn } from "./columns";
import type { ImportCustomers } from "./operations";
import { CellError, convertCell } from "./values";

export type CustomerInput = VariablesOf<typeof ImportCustomers>["inputs"][number];

/** A row that can be sent, with the number of its line. */
export interface ImportRow {
  line: number;
  input: CustomerInput;
}

/** A row that is not imported, and why. */
export interface RefusedRow {
  line: number;
  reason: string;
}

/**
 * Converts the rows of a file, whose heading has so many cells, to inputs of the API. An empty cell
 * leaves its field as it is.
 */
export function convertRows(
  rows: readonly Row[],
  columns: readonly MappedColumn[],
  width: number,
): { accepted: ImportRow[]; refused: RefusedRow[] } {
  const accepted: ImportRow[] = [];
  const refused: RefusedRow[] = [];
  for (const row of rows) {
    const { line, cells } = row;
    try {
      requireIntact(row, width);
      accepted.push({ line, input: convertRow(cells, columns) });
    } catch (error) {
      if (!(error instanceof CellError)) throw error;
      refused.push({ line, reason: error.message });
    }
  }
  return { accepted, refused };
}

/** Throws CellError for a row whose cells may be those of other columns, or not what was written. */
function requireIntact({ cells, hasOpenQuote }: Row, width: number): void {
  if (hasOpenQuote) throw new CellError("a quote is not closed");
  if (cells.length !== width) {
    throw new CellError(`the row has ${formatCount(cells.length, "cell")}, the heading ${width}`);
  }
  if (cells.some((cell) => cell.includes(REPLACEMENT_CHARACTER))) {
    throw new CellError("a character can’t be read: save the file as UTF-8");
  }
}

function convertRow(cells: readonly string[], columns: readonly MappedColumn[]): CustomerInput {
  const input: Record<string, unknown> = {};
  for (const { index, path, type } of columns) {
    const text = cells[index];
    if (!text) continue;
    try {
      setPath(input, path, convertCell(text, type));
    } catch (error) {
      throw error instanceof CellError ? new CellError(`${path}: ${error.message}`) : error;
    }
  }
  const key = input[KEY_PATH];
  if (typeof key !== "string") throw new CellError("the source id is missing");
  if (!isSourceId(key)) {
    throw new CellError(`a source id has at most ${MAX_SOURCE_ID_LENGTH} characters, and no NUL`);
  }
  return input as CustomerInput;
}

/** Sets a field, or a field of a field: `address.city`. */
function setPath(input: Record<string, unknown>, path: string, value: unknown): void {
  const [parent = "", child] = path.split(".");
  if (child === undefined) input[parent] = value;
  else input[parent] = { ...(input[parent] as object | undefined), [child]: value };
}
