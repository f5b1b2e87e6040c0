import { useEffect, useState } from "react";
import { followTransitions, type Transition } from "../api/follow";
import { request } from "../api/request";
import { ReadTransitionsCursor } from "./operations";

const MAX_KEPT_TRANSITIONS = 200;

/** Returns the segment's transitions since the page opened, newest first, and why they ended. */
export function useLiveTransitions(segmentId: string): {
  transitions: Transition[];
  error: Error | null;
} {
  const [transitions, setTransitions] = useState<Transition[]>([]);
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
      setTransitions((shown) => [...arrived, ...shown].slice(0, MAX_KEPT_TRANSITIONS));
    }
    function receive(transition: Transition) {
      newest = [transition, ...newest.slice(0, MAX_KEPT_TRANSITIONS - 1)];
      frame ||= requestAnimationFrame(paint);
    }
    async function follow({ signal }: AbortController) {
      const { transitionsCursor } = await request(ReadTransitionsCursor, {}, signal);
      await followTransitions(segmentId, transitionsCursor, receive, signal);
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
