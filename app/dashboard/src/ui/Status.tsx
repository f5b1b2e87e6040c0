import { useSyncExternalStore } from "react";

let message = "";
const listeners = new Set<() => void>();

/** Tells users of screen readers what has changed on the page. */
export function announce(text: string): void {
  message = text;
  for (const notify of listeners) notify();
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
