import { limitConcurrency } from "./concurrency";

/** How many items one request sends. */
export const ITEMS_PER_REQUEST = 1_000;
const MAX_RUNNING_REQUESTS = 2;

/** Splits items into chunks of so many. The last chunk may have fewer. */
export function splitIntoChunks<Item>(items: readonly Item[], size: number): Item[][] {
  const chunks: Item[][] = [];
  for (let start = 0; start < items.length; start += size) {
    chunks.push(items.slice(start, start + size));
  }
  return chunks;
}

/**
 * Calls `send` for each chunk of the items, for two at a time, and returns the results in order.
 * Calls `onProgress` with the number of items whose results have arrived.
 */
export async function requestInChunks<Item, Result>(
  items: readonly Item[],
  send: (chunk: Item[]) => Promise<Result>,
  signal: AbortSignal,
  onProgress?: (done: number) => void,
): Promise<Result[]> {
  const run = limitConcurrency(MAX_RUNNING_REQUESTS);
  let done = 0;
  return Promise.all(
    splitIntoChunks(items, ITEMS_PER_REQUEST).map(async (chunk) => {
      const result = await run(() => send(chunk), signal);
      done += chunk.length;
      onProgress?.(done);
      return result;
    }),
  );
}
