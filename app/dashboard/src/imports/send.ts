import { ITEMS_PER_REQUEST, requestInChunks, splitIntoChunks } from "../api/chunks";
import { request } from "../api/request";
import { FindKnownCustomers, ImportCustomers } from "./operations";
import type { ImportRow, RefusedRow } from "./rows";

/** Returns which of the sourceIds customers have. */
export async function findKnown(
  sourceIds: readonly string[],
  signal: AbortSignal,
): Promise<Set<string>> {
  const answers = await requestInChunks(
    sourceIds,
    (chunk) => {
      const refs = chunk.map((sourceId) => ({ sourceId }));
      return request(FindKnownCustomers, { refs }, signal);
    },
    signal,
  );
  const customers = answers.flatMap(({ customersByRef }) => customersByRef);
  return new Set(customers.flatMap((customer) => customer?.sourceId ?? []));
}

/** How far an import has come. */
export interface ImportProgress {
  sentCount: number;
  acceptedCount: number;
  refused: RefusedRow[];
}

/**
 * Writes the rows in their order, since a later row of the same customer counts. Calls `onProgress`
 * after each request. Throws ApiError; the rows that were sent before are written.
 */
export async function sendRows(
  rows: readonly ImportRow[],
  signal: AbortSignal,
  onProgress: (progress: ImportProgress) => void,
): Promise<ImportProgress> {
  let progress: ImportProgress = { sentCount: 0, acceptedCount: 0, refused: [] };
  for (const chunk of splitIntoChunks(rows, ITEMS_PER_REQUEST)) {
    const inputs = chunk.map(({ input }) => input);
    const { customersUpsert } = await request(ImportCustomers, { inputs }, signal);
    const refused = customersUpsert.userErrors.map(({ message, path }) => ({
      line: chunk[Number(path[1])]?.line ?? 0,
      reason: [path.slice(2).join("."), message].filter(Boolean).join(": "),
    }));
    progress = {
      sentCount: progress.sentCount + chunk.length,
      acceptedCount: progress.acceptedCount + customersUpsert.accepted,
      refused: [...progress.refused, ...refused],
    };
    onProgress(progress);
  }
  return progress;
}
