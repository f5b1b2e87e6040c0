import { createClient as createEventClient } from "graphql-sse";
import { createClient as createSocketClient } from "graphql-ws";

// A client that retries by itself would subscribe with its first cursor again; `follow` retries
// with the latest one.
const retryAttempts = 0;

/** A graphql-ws client. It closes a connection that does not answer a ping within `keepAlive` ms. */
export function socket(url, { keepAlive = 10_000, ...options } = {}) {
  let pongTimeout;
  const client = createSocketClient({
    url,
    retryAttempts,
    keepAlive,
    on: {
      ping: (isReceived) => {
        if (!isReceived) pongTimeout = setTimeout(() => client.terminate(), keepAlive);
      },
      pong: () => clearTimeout(pongTimeout),
      closed: () => clearTimeout(pongTimeout),
    },
    ...options,
  });
  return client;
}

/** A graphql-sse client: server-sent events. */
export const events = (url) => createEventClient({ url, retryAttempts });

/** Adapts an urql client; `context` is passed to its subscriptions. */
export const urql = (client, context) => ({
  subscribe({ query, variables }, { next, error: fail, complete }) {
    const isSubscription = /^\s*subscription/.test(query);
    const receive = ({ data, error, hasNext }) => {
      if (error) return fail(error.networkError ?? error.graphQLErrors);
      // At the end of a subscription urql delivers the last result a second time.
      if (hasNext || !isSubscription) next({ data });
      if (!hasNext) complete();
    };
    if (!isSubscription) {
      client.query(query, variables, { requestPolicy: "network-only" }).toPromise().then(receive);
      return () => {};
    }
    const { unsubscribe } = client.subscription(query, variables, context).subscribe(receive);
    // Deferred: an abort while urql delivers a result raises an error that nothing can catch.
    return () => setTimeout(unsubscribe);
  },
});
