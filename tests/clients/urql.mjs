// urql: queries by GET, mutations by POST, and graphql-ws.
import { cacheExchange, Client, fetchExchange, subscriptionExchange } from "@urql/core";
import {
  FOLLOW_TRANSITIONS,
  INVALID_CURSOR,
  LIST_TRANSITIONS,
  SEGMENT,
  UPSERT_CUSTOMER,
} from "./documents.mjs";

export function connect({ url, socket, authorization }) {
  const client = new Client({
    url,
    preferGetMethod: true,
    fetchOptions: { headers: { authorization } },
    exchanges: [
      cacheExchange,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: (request) => ({
          subscribe: (sink) => ({ unsubscribe: socket.subscribe(request, sink) }),
        }),
      }),
    ],
  });
  return {
    segment: async (id) => (await client.query(SEGMENT, { id }, { requestPolicy: "network-only" })).data.segment,
    upsertCustomer: async (input) =>
      (await client.mutation(UPSERT_CUSTOMER, { input })).data.customerUpsert,
    followTransitions: (variables, next) => {
      const { unsubscribe } = client
        .subscription(FOLLOW_TRANSITIONS, variables)
        .subscribe(({ data, error }) => next(data?.segmentTransitions, error));
      return unsubscribe;
    },
    findErrorCode: async () => {
      const { error } = await client.query(LIST_TRANSITIONS, { after: INVALID_CURSOR });
      return error.graphQLErrors[0].extensions.code;
    },
  };
}
