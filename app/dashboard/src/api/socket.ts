import { createClient } from "graphql-ws";
import { readKey } from "./key";

const KEEP_ALIVE_MS = 10_000;
// The socket stays open for this long without subscriptions, so that it need not be opened anew
// when the user goes from one page to the next.
const LINGER_MS = 5_000;
const NORMAL_CLOSURE = 1_000;

let pongTimer: ReturnType<typeof setTimeout> | undefined;
let isConnected = false;
let cutOffAt: string | null = null;
const listeners = new Set<() => void>();

/** The page's WebSocket, opened by the first subscription. It drops a connection without pongs. */
export const socket = createClient({
  url: "/graphql",
  connectionParams: () => {
    const key = readKey();
    return key ? { authorization: `Bearer ${key}` } : {};
  },
  keepAlive: KEEP_ALIVE_MS,
  lazyCloseTimeout: LINGER_MS,
  // A subscription that continues after a disconnect needs its latest cursor: see follow.ts.
  retryAttempts: 0,
  on: {
    connected: () => {
      cutOffAt = null;
      setConnected(true);
    },
    closed: (event) => {
      if (isConnected && !isNormalClosure(event)) cutOffAt = new Date().toISOString();
      setConnected(false);
    },
    ping: (isReceived) => {
      if (!isReceived) pongTimer = setTimeout(() => socket.terminate(), KEEP_ALIVE_MS);
    },
    pong: () => clearTimeout(pongTimer),
  },
});

/** The state of the connection, for useSyncExternalStore. */
export const connection = {
  isConnected: () => isConnected,
  /** Returns since when an open connection is lost, in RFC 3339; null if none is lost. */
  cutOffAt: () => cutOffAt,
  subscribe(listener: () => void) {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

/** Whether the page itself has closed the connection. */
const isNormalClosure = (event: unknown) =>
  event instanceof CloseEvent && event.code === NORMAL_CLOSURE;

function setConnected(value: boolean): void {
  clearTimeout(pongTimer);
  isConnected = value;
  for (const notify of listeners) notify();
}
