const END = "{ transitionsCursor }";
const TRANSITIONS = `subscription ($segmentIds: [ID!], $after: String) {
  segmentTransitions(segmentIds: $segmentIds, after: $after) {
    cursor sequence type at segmentId customerSourceId
  }
}`;
const FIRST_WAIT = 500;
const LONGEST_WAIT = 10_000;
const MAY_PASS = ["SLOW_CONSUMER", "CURSOR_EXPIRED", "INTERNAL", "TIMEOUT"];

/**
 * Calls `next` with each transition, once and in order, whatever is cut off or restarted meanwhile,
 * until the signal. One for which `next` throws comes again.
 *
 * Where there is no cursor to go on from, or it has expired, `begin` is called first: the time to
 * ask who is a member now. What comes after it may be in that answer already.
 */
export async function follow(client, { segmentIds, after, begin, next, signal }) {
  for (let wait = FIRST_WAIT; !signal?.aborted; wait = Math.min(2 * wait, LONGEST_WAIT)) {
    try {
      if (!after) {
        let end;
        await each(client, END, {}, signal, (data) => (end = data.transitionsCursor));
        await begin?.();
        after = end;
      }
      await each(client, TRANSITIONS, { segmentIds, after }, signal, (data) => {
        next(data.segmentTransitions);
        after = data.segmentTransitions.cursor;
        wait = FIRST_WAIT;
      });
    } catch (problem) {
      // A list is GraphQL's; all else, a cut above all, is tried again.
      const { code, lastCursor } = problem[0]?.extensions ?? {};
      if (code && !MAY_PASS.includes(code)) throw problem;
      if (code === "SLOW_CONSUMER") after = lastCursor;
      if (code === "CURSOR_EXPIRED") after = undefined;
    }
    await new Promise((resolve) => setTimeout(resolve, wait * Math.random()));
  }
}

/** Calls `next` with the data of each answer; returns once there are no more of them. */
function each(client, query, variables, signal, next) {
  return new Promise((resolve, reject) => {
    let open = true;
    const over = (settle, value) => {
      open = false;
      signal?.removeEventListener("abort", complete);
      stop();
      settle(value);
    };
    const complete = () => over(resolve);
    const error = (problem) => over(reject, problem);
    const stop = client.subscribe(
      { query, variables },
      {
        next({ data, errors }) {
          if (!open) return;
          try {
            if (errors) throw errors;
            next(data);
          } catch (problem) {
            error(problem);
          }
        },
        error,
        complete,
      },
    );
    signal?.addEventListener("abort", complete);
  });
}
