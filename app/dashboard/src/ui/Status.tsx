import { useEffect, useSyncExternalStore } from "react";
import { createObservable } from "../api/observable";

const SAME_MOMENT_MS = 300;

const message = createObservable("");
let announcedAtMs = Number.NEGATIVE_INFINITY;

/**
 * Tells users of screen readers what has changed on the page. What is announced in the same moment
 * is told together: one text would replace the other before it is read.
 */
export function announce(text: string): void {
  const earlier = performance.now() - announcedAtMs < SAME_MOMENT_MS ? message.get() : "";
  announcedAtMs = performance.now();
  if (earlier.includes(text)) return;
  message.set(earlier ? `${earlier}. ${text}` : text);
}

/** Announces a text when the page shows it, and again when it changes. */
export function useAnnouncement(text: string | null | undefined): void {
  useEffect(() => {
    if (typeof text === "string") announce(text);
  }, [text]);
}

/** The page's only live region that waits for its turn. */
export function Status() {
  const text = useSyncExternalStore(message.subscribe, message.get);
  return (
    <div role="status" className="visually-hidden">
      {text}
    </div>
  );
}
