import { request, requireNoUserErrors } from "../api/request";
import type { Entries, Entry } from "../lists/entries";
import { AddCodes } from "./operations";

const MAX_CODES_PER_CALL = 10_000;

/** A code that the pool does not take, and why. */
export interface RefusedCode extends Entry {
  message: string;
}

/** What became of the codes. */
export interface AddedCodes {
  addedCount: number;
  duplicateCount: number;
  /** The lines without a code. */
  emptyCount: number;
  /** The first codes that are refused. Because of them, those after `addedCount` are not added. */
  refused: RefusedCode[];
}

/**
 * Adds codes to a pool, as many at a time as the API takes. Stops where it refuses some. Calls
 * `onProgress` with the number that it has added.
 */
export async function addCodes(
  poolId: string,
  { entries, emptyCount }: Entries,
  onProgress: (count: number) => void,
): Promise<AddedCodes> {
  const distinct = findDistinct(entries);
  const duplicateCount = entries.length - distinct.length;
  let addedCount = 0;
  let refused: RefusedCode[] = [];
  while (addedCount < distinct.length && refused.length === 0) {
    const batch = distinct.slice(addedCount, addedCount + MAX_CODES_PER_CALL);
    refused = await addBatch(poolId, batch);
    if (refused.length === 0) addedCount += batch.length;
    onProgress(addedCount);
  }
  return { addedCount, duplicateCount, emptyCount, refused };
}

/** Adds all of the codes, or none. Returns those because of which it added none. */
async function addBatch(poolId: string, batch: readonly Entry[]): Promise<RefusedCode[]> {
  const variables = { id: poolId, codes: batch.map(({ text }) => text) };
  const { userErrors } = (await request(AddCodes, variables)).codePoolAddCodes;
  const refused = userErrors.flatMap(({ path, message }) => {
    const entry = batch[Number(path.at(-1))];
    return entry ? [{ ...entry, message }] : [];
  });
  // Other errors are about the pool.
  if (refused.length === 0) requireNoUserErrors(userErrors);
  return refused;
}

/** Returns each text once, with its first line. */
function findDistinct(entries: readonly Entry[]): Entry[] {
  const byText = new Map<string, Entry>();
  for (const entry of entries) if (!byText.has(entry.text)) byText.set(entry.text, entry);
  return [...byText.values()];
}
