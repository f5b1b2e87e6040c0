// node front_end.mjs TRANSPORT ADDRESS: reads commands and writes received messages as lines of JSON.
// The commands are those of tests/subscriptions/front_end_client.py.
import { createInterface } from "node:readline";
import { follow } from "./follow.mjs";
import { TRANSPORTS } from "./transports.mjs";

const [transport, address] = process.argv.slice(2);
const client = TRANSPORTS[transport](address);
const stops = {};
let terminateOnNext = false;
let failOnNext = false;

const sink = (id) => ({
  next(response) {
    write({ id, next: response });
    if (terminateOnNext) client.terminate();
    terminateOnNext = false;
  },
  error: (problem) => write({ id, error: problem }),
  complete: () => write({ id, complete: true }),
});

const commands = {
  ask({ id, query, variables }) {
    stops[id] = client.subscribe({ query, variables }, sink(id));
  },
  follow({ id, ...options }) {
    const { next, error, complete } = sink(id);
    const stopping = new AbortController();
    stops[id] = () => stopping.abort();
    const begin = () => write({ id, begun: true });
    const receive = (transition) => {
      if (failOnNext) {
        failOnNext = false;
        throw new Error("failed by the test");
      }
      next(transition);
    };
    follow(client, { ...options, begin, next: receive, signal: stopping.signal }).then(complete, error);
  },
  stop: ({ id }) => stops[id](),
  // While the client handles the next message.
  terminate: () => (terminateOnNext = true),
  stumble: () => (failOnNext = true),
};

function write(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

createInterface(process.stdin)
  .on("line", (line) => {
    const { order, ...parameters } = JSON.parse(line);
    commands[order](parameters);
  })
  .on("close", () => process.exit());
