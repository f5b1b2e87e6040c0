// Apollo Client: HTTP with persisted queries, and graphql-ws.
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import {
  FOLLOW_TRANSITIONS,
  INVALID_CURSOR,
  LIST_TRANSITIONS,
  SEGMENT,
  UPSERT_CUSTOMER,
} from "./documents.mjs";

export function connect({ url, socket, authorization }) {
  const sentBodies = [];
  const http = new HttpLink({
    uri: url,
    headers: { authorization },
    fetch: (target, options) => {
      sentBodies.push(JSON.parse(options.body));
      return fetch(target, options);
    },
  });
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    link: ApolloLink.split(
      ({ operationType }) => operationType === "subscription",
      new GraphQLWsLink(socket),
      ApolloLink.from([new PersistedQueryLink({ sha256 }), http]),
    ),
  });
  const query = (document, variables) =>
    client.query({ query: gql(document), variables, fetchPolicy: "network-only" });
  return {
    segment: async (id) => (await query(SEGMENT, { id })).data.segment,
    upsertCustomer: async (input) =>
      (await client.mutate({ mutation: gql(UPSERT_CUSTOMER), variables: { input } })).data
        .customerUpsert,
    followTransitions: (variables, next) => {
      const subscription = client
        .subscribe({ query: gql(FOLLOW_TRANSITIONS), variables })
        .subscribe(({ data, error }) => next(data?.segmentTransitions, error));
      return () => subscription.unsubscribe();
    },
    findErrorCode: () =>
      query(LIST_TRANSITIONS, { after: INVALID_CURSOR }).then(
        () => null,
        (error) => error.errors[0].extensions.code,
      ),
    /** Which requests had a document, and not only its hash. */
    sentDocuments: () => sentBodies.map((body) => "query" in body),
  };
}

async function sha256(text) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
