import { graphql, type ResultOf } from "./graphql";
import { ApiError } from "./request";
import { subscribe, wait } from "./subscribe";

const MIN_DELAY_MS = 500;
const MAX_DELAY_MS = 10_000;
const RETRYABLE_CODES = ["SLOW_CONSUMER", "INTERNAL", "TIMEOUT"];

const FollowTransitions = graphql(`
  subscription FollowTransitions($segmentIds: [ID!], $after: String) {
    segmentTransitions(segmentIds: $segmentIds, after: $after) {
      id
      sequence
      cursor
      type
      cause
      at
      customerSourceId
      customer {
        name
      }
    }
  }
`);

export type Transition = ResultOf<typeof FollowTransitions>["segmentTransitions"];

interface GraphQLError {
  message: string;
  extensions?: { code?: string; lastCursor?: string };
}

/**
 * Calls `onTransition` with each transition of the segment after the cursor, once and in order, over
 * any number of disconnects. Returns when the signal is aborted. Throws ApiError if the API refuses
 * to go on, for example because it no longer has the transitions after the cursor.
 */
export async function followTransitions(
  segmentId: string,
  after: string,
  onTransition: (transition: Transition) => void,
  signal: AbortSignal,
): Promise<void> {
  let cursor = after;
  let delay = MIN_DELAY_MS;
  while (!signal.aborted) {
    try {
      await subscribe(
        FollowTransitions,
        { segmentIds: [segmentId], after: cursor },
        ({ segmentTransitions: transition }) => {
          cursor = transition.cursor;
          delay = MIN_DELAY_MS;
          onTransition(transition);
        },
        signal,
      );
    } catch (reason) {
      cursor = readLastCursor(reason) ?? cursor;
    }
    await wait(delay * Math.random(), signal);
    delay = Math.min(2 * delay, MAX_DELAY_MS);
  }
}

/** Returns where to go on after an error; undefined after a disconnect. Throws if there is no way. */
function readLastCursor(reason: unknown): string | undefined {
  // GraphQL errors arrive as a list. Anything else is a disconnect.
  if (!Array.isArray(reason)) return undefined;
  const [error] = reason as GraphQLError[];
  const { code = "INTERNAL", lastCursor } = error?.extensions ?? {};
  if (RETRYABLE_CODES.includes(code)) return lastCursor;
  throw new ApiError(error?.message ?? "The subscription has failed.", code);
}
