const CURSOR = "{ transitionsCursor }";
const TRANSITIONS = `subscription ($segmentIds: [ID!], $after: String) {
  segmentTransitions(segmentIds: $segmentIds, after: $after) {
    cursor sequence type at segmentId customerSourceId
  }
}`;
const MIN_DELAY_MS = 500;
const MAX_DELAY_MS = 10_000;
const RETRYABLE_CODES = ["SLOW_CONSUMER", "CURSOR_EXPIRED", "INTERNAL", "TIMEOUT"];

/**
 * Follows the transitions of some segments until the signal is aborted. Calls `next` with each
 * transition once, in order, over any number of disconnects and restarts. A transition for which
 * `next` throws is delivered again. Rejects with the GraphQL errors that a retry can't fix.
 *
 * Without a cursor in `after`, or when the cursor has expired, it first awaits `begin`, which should
 * load the current members. Transitions that follow may already be included in what it loaded.
 */
export async function follow(client, { segmentIds, after, begin, next, signal }) {
  let delay = MIN_DELAY_MS;
  while (!signal?.aborted) {
    try {
      if (!after) {
        let cursor;
        await execute(client, CURSOR, {}, signal, (data) => (cursor = data.transitionsCursor));
        await begin?.();
        after = cursor;
      }
      await execute(client, TRANSITIONS, { segmentIds, after }, signal, (data) => {
        next(data.segmentTransitions);
        after = data.segmentTransitions.cursor;
        delay = MIN_DELAY_MS;
      });
    } catch (error) {
      // GraphQL errors arrive as a list. Anything else, such as a disconnect, is retried.
      const { code, lastCursor } = error[0]?.extensions ?? {};
      if (code && !RETRYABLE_CODES.includes(code)) throw error;
      if (code === "SLOW_CONSUMER") after = lastCursor;
      if (code === "CURSOR_EXPIRED") after = undefined;
    }
    const randomDelay = delay * Math.random();
    await new Promise((resolve) => setTimeout(resolve, randomDelay));
    delay = Math.min(2 * delay, MAX_DELAY_MS);
  }
}

/** Calls `onData` with the data of each result. Resolves when the operation is complete. */
function execute(client, query, variables, signal, onData) {
  return new Promise((resolve, reject) => {
    let isOpen = true;
    const finish = (settlePromise, value) => {
      isOpen = false;
      signal?.removeEventListener("abort", complete);
      unsubscribe();
      settlePromise(value);
    };
    const complete = () => finish(resolve);
    const error = (reason) => finish(reject, reason);
    const unsubscribe = client.subscribe(
      { query, variables },
      {
        next({ data, errors }) {
          if (!isOpen) return;
          try {
            if (errors) throw errors;
            onData(data);
          } catch (reason) {
            error(reason);
          }
        },
        error,
        complete,
      },
    );
    signal?.addEventListener("abort", complete);
  });
}
