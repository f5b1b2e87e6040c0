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

/** Over whatever an urql client uses. */
export const urql = (client) => ({
  subscribe({ query, variables }, { next, error: fail, complete }) {
    const lasts = query.startsWith("subscription");
    const results = lasts
      ? client.subscription(query, variables)
      : client.query(query, variables, { requestPolicy: "network-only" });
    const take = ({ data, error, hasNext }) => {
      if (error) return fail(error.networkError ?? error.graphQLErrors);
      // At the end of a subscription urql tells the last of it once more.
      if (hasNext || !lasts) next({ data });
      if (!hasNext) complete();
    };
    return results.subscribe(take).unsubscribe;
  },
});
