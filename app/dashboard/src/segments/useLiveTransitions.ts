import { useEffect, useState } from "react";
import { followTransitions, type Transition } from "../api/follow";
import { request } from "../api/request";
import { ListTransitions, ReadTransitionsCursor } from "./operations";

export const MAX_KEPT_TRANSITIONS = 200;

/**
 * Returns the latest transitions of the segment and those since the page opened, newest first, and
 * why they ended.
 */
export function useLiveTransitions(segmentId: string): {
  /** Null until the latest ones are read. */
  transitions: Transition[] | null;
  error: Error | null;
} {
  const [transitions, setTransitions] = useState<Transition[] | null>(null);
  const [error, setError] = useState<Error | null>(null);

  useEffect(() => {
    const controller = new AbortController();
    // A burst is painted once a frame.
    let newest: Transition[] = [];
    let frame = 0;
    function paint() {
      const arrived = newest;
      newest = [];
      frame = 0;
      setTransitions((shown) => [...arrived, ...(shown ?? [])].slice(0, MAX_KEPT_TRANSITIONS));
    }
    function receive(transition: Transition) {
      newest = [transition, ...newest.slice(0, MAX_KEPT_TRANSITIONS - 1)];
      frame ||= requestAnimationFrame(paint);
    }
    async function follow({ signal }: AbortController) {
      // The cursor is read first, so that no transition is missed. Those in between come twice.
      const { transitionsCursor } = await request(ReadTransitionsCursor, {}, signal);
      const variables = { id: segmentId, type: null, after: null };
      const { segment } = await request(ListTransitions, variables, signal);
      const latest = segment?.transitions.nodes ?? [];
      const latestSequence = latest[0]?.sequence ?? 0;
      setTransitions(latest);
      const receiveOnce = (transition: Transition) => {
        if (transition.sequence > latestSequence) receive(transition);
      };
      await followTransitions(segmentId, transitionsCursor, receiveOnce, signal);
    }
    follow(controller).catch((reason) => {
      if (!controller.signal.aborted) setError(reason);
    });
    return () => {
      controller.abort();
      cancelAnimationFrame(frame);
    };
  }, [segmentId]);

  return { transitions, error };
}
