import { useEffect, useSyncExternalStore } from "react";

let message = "";
const listeners = new Set<() => void>();

/** Tells users of screen readers what has changed on the page. */
export function announce(text: string): void {
  message = text;
  for (const notify of listeners) notify();
}

/** Announces a text when the page shows it, and again when it changes. */
export function useAnnouncement(text: string | null | undefined): void {
  useEffect(() => {
    if (typeof text === "string") announce(text);
  }, [text]);
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The page's only live region that waits for its turn. */
export function Status() {
  const text = useSyncExternalStore(subscribe, () => message);
  return (
    <div role="status" className="visually-hidden">
      {text}
    </div>
  );
}
