// Relay's runtime with the documents that its compiler has compiled.
import relay from "relay-runtime";
import followTransitions from "./__generated__/relayDocumentsFollowSubscription.graphql.js";
import listTransitions from "./__generated__/relayDocumentsListQuery.graphql.js";
import segmentQuery from "./__generated__/relayDocumentsSegmentQuery.graphql.js";
import upsertCustomer from "./__generated__/relayDocumentsUpsertMutation.graphql.js";
import { INVALID_CURSOR } from "./documents.mjs";

const { Environment, Network, Observable, RecordSource, Store } = relay;

export function connect({ url, socket, authorization }) {
  const fetchOperation = async ({ text }, variables) => {
    const response = await fetch(url, {
      method: "POST",
      headers: { authorization, "content-type": "application/json" },
      body: JSON.stringify({ query: text, variables }),
    });
    return response.json();
  };
  const subscribe = ({ text }, variables) =>
    Observable.create((sink) => socket.subscribe({ query: text, variables }, sink));
  const environment = new Environment({
    network: Network.create(fetchOperation, subscribe),
    store: new Store(new RecordSource()),
  });
  const query = (document, variables) =>
    relay.fetchQuery(environment, document, variables).toPromise();
  return {
    segment: async (id) => (await query(segmentQuery, { id })).segment,
    upsertCustomer: (input) =>
      new Promise((resolve, reject) =>
        relay.commitMutation(environment, {
          mutation: upsertCustomer,
          variables: { input },
          onCompleted: ({ customerUpsert }) => resolve(customerUpsert),
          onError: reject,
        }),
      ),
    followTransitions: (variables, next) => {
      const { dispose } = relay.requestSubscription(environment, {
        subscription: followTransitions,
        variables,
        onNext: (data) => next(data?.segmentTransitions),
        onError: (error) => next(undefined, error),
      });
      return dispose;
    },
    findErrorCode: () =>
      query(listTransitions, { after: INVALID_CURSOR }).then(
        () => null,
        (error) => error.source.errors[0].extensions.code,
      ),
  };
}
