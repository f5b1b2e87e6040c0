// The clients and transports by which a front end sends queries and follows transitions.
import { cacheExchange, Client, fetchExchange, subscriptionExchange } from "@urql/core";
import WebSocket from "ws";
import { events, socket, urql } from "./clients.mjs";

const socketAt = (address, keepAlive) =>
  socket(`ws://${address}/graphql`, { webSocketImpl: WebSocket, keepAlive });
const eventsAt = (address) => events(`http://${address}/graphql/stream`);
const exchanges = [cacheExchange, fetchExchange];

const over = (address, client) =>
  urql(
    new Client({
      url: `http://${address}/graphql`,
      exchanges: [
        ...exchanges,
        subscriptionExchange({
          forwardSubscription: (request) => ({
            subscribe: (sink) => ({ unsubscribe: client.subscribe(request, sink) }),
          }),
        }),
      ],
    }),
  );

export const TRANSPORTS = {
  "graphql-ws": (address) => socketAt(address),
  "graphql-ws, short keep-alive": (address) => socketAt(address, 100),
  "graphql-sse": eventsAt,
  "urql over graphql-ws": (address) => {
    const client = socketAt(address);
    return { ...over(address, client), terminate: client.terminate };
  },
  "urql over graphql-sse": (address) => over(address, eventsAt(address)),
  "urql alone": (address) =>
    urql(
      new Client({ url: `http://${address}/graphql`, exchanges, fetchSubscriptions: true }),
      { url: `http://${address}/graphql/stream` },
    ),
};
