import { createClient as createEventClient } from "graphql-sse";
import { createClient as createSocketClient } from "graphql-ws";

// A client that tries again by itself asks from where it first began, and is told all of it again.
const retryAttempts = 0;

/** Over the WebSocket. A line that has gone dead without a word is given up after a while. */
export function socket(url, { keepAlive = 10_000, ...options } = {}) {
  let deaf;
  const client = createSocketClient({
    url,
    retryAttempts,
    keepAlive,
    on: {
      ping: (received) => {
        if (!received) deaf = setTimeout(() => client.terminate(), keepAlive);
      },
      pong: () => clearTimeout(deaf),
      closed: () => clearTimeout(deaf),
    },
    ...options,
  });
  return client;
}

/** Over server-sent events. */
export const events = (url) => createEventClient({ url, retryAttempts });

/** Over whatever an urql client uses; `context` is that of its subscriptions. */
export const urql = (client, context) => ({
  subscribe({ query, variables }, { next, error: fail, complete }) {
    const lasts = /^\s*subscription/.test(query);
    const take = ({ data, error, hasNext }) => {
      if (error) return fail(error.networkError ?? error.graphQLErrors);
      // At the end of a subscription urql tells the last of it once more.
      if (hasNext || !lasts) next({ data });
      if (!hasNext) complete();
    };
    if (!lasts) {
      client.query(query, variables, { requestPolicy: "network-only" }).toPromise().then(take);
      return () => {};
    }
    const { unsubscribe } = client.subscription(query, variables, context).subscribe(take);
    // Later: what urql aborts while it hands over an answer fails where nobody can catch it.
    return () => setTimeout(unsubscribe);
  },
});
