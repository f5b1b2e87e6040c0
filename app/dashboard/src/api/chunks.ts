import { limitConcurrency } from "./concurrency";

const ITEMS_PER_REQUEST = 1_000;
const MAX_RUNNING_REQUESTS = 2;

/** Splits items into as many as one request sends. */
export function splitIntoChunks<Item>(items: readonly Item[]): Item[][] {
  const chunks: Item[][] = [];
  for (let start = 0; start < items.length; start += ITEMS_PER_REQUEST) {
    chunks.push(items.slice(start, start + ITEMS_PER_REQUEST));
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
    splitIntoChunks(items).map(async (chunk) => {
      const result = await run(() => send(chunk), signal);
      done += chunk.length;
      onProgress?.(done);
      return result;
    }),
  );
}
