import { createClient } from "graphql-ws";
import { readKey } from "./key";
import { createObservable } from "./observable";

const KEEP_ALIVE_MS = 10_000;
// The socket stays open for this long without subscriptions, so that it need not be opened anew
// when the user goes from one page to the next.
const LINGER_MS = 5_000;
const NORMAL_CLOSURE = 1_000;

let pongTimer: ReturnType<typeof setTimeout> | undefined;

interface Connection {
  isConnected: boolean;
  /** Since when an open connection is lost, in RFC 3339; null if none is lost. */
  cutOffAt: string | null;
}

/** The state of the socket's connection. */
export const connection = createObservable<Connection>({ isConnected: false, cutOffAt: null });

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
      clearTimeout(pongTimer);
      connection.set({ isConnected: true, cutOffAt: null });
    },
    closed: (event) => {
      clearTimeout(pongTimer);
      const { isConnected, cutOffAt } = connection.get();
      const isCutOff = isConnected && !isNormalClosure(event);
      connection.set({
        isConnected: false,
        cutOffAt: isCutOff ? new Date().toISOString() : cutOffAt,
      });
    },
    ping: (isReceived) => {
      if (!isReceived) pongTimer = setTimeout(() => socket.terminate(), KEEP_ALIVE_MS);
    },
    pong: () => clearTimeout(pongTimer),
  },
});

/** Whether the page itself has closed the connection. */
const isNormalClosure = (event: unknown) =>
  event instanceof CloseEvent && event.code === NORMAL_CLOSURE;
