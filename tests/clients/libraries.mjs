// Runs each library against the API. Node.js and the browser run the same.
import { createClient } from "graphql-ws";
import * as apollo from "./apollo.mjs";
import * as relay from "./relay.mjs";
import * as urql from "./urql.mjs";

const LIBRARIES = { apollo, relay, urql };

/**
 * Returns what each library received, by its name. `options` has the URLs of the API, a key, the id
 * of a segment, the cursor from which its transitions are followed, and how many there are.
 */
export async function runLibraries(options) {
  const outcomes = {};
  for (const [name, { connect }] of Object.entries(LIBRARIES)) {
    outcomes[name] = await runLibrary(name, connect, options).catch((error) => String(error.stack));
  }
  return outcomes;
}

async function runLibrary(name, connect, options) {
  const { url, socketUrl, key, segmentId, after, transitionCount, platform } = options;
  const authorization = `Bearer ${key}`;
  const socket = createClient({ url: socketUrl, connectionParams: { authorization } });
  const client = connect({ url, socket, authorization });
  const stranger = connect({ url, socket, authorization: "Bearer wrong" });
  try {
    return {
      segment: await client.segment(segmentId),
      sameSegment: await client.segment(segmentId),
      sentDocuments: client.sentDocuments?.(),
      customer: await client.upsertCustomer({ sourceId: `${name} in ${platform}`, name: "Ann" }),
      transitions: await collect(client, { segmentIds: [segmentId], after }, transitionCount),
      errorCode: await client.findErrorCode(),
      errorCodeWithoutKey: await stranger.findErrorCode(),
    };
  } finally {
    socket.dispose();
  }
}

/** Resolves with the first transitions of a subscription, and then stops it. */
function collect(client, variables, count) {
  return new Promise((resolve, reject) => {
    const transitions = [];
    const stop = client.followTransitions(variables, (transition, error) => {
      if (error) return reject(error);
      transitions.push([transition.type, transition.customerSourceId]);
      if (transitions.length === count) {
        // Deferred: a library may deliver before it returns how to stop.
        setTimeout(() => stop());
        resolve(transitions);
      }
    });
  });
}
