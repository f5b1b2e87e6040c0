// node front_end.mjs WAY ADDRESS: does what it reads, and says what it is told, in lines of JSON.
import { createInterface } from "node:readline";
import { follow } from "./follow.mjs";
import { WAYS } from "./ways.mjs";

const [way, address] = process.argv.slice(2);
const client = WAYS[way](address);
const stops = {};
let terminates = false;
let stumbles = false;

const sink = (id) => ({
  next(answer) {
    say({ id, next: answer });
    if (terminates) client.terminate();
    terminates = false;
  },
  error: (problem) => say({ id, error: problem }),
  complete: () => say({ id, complete: true }),
});

const orders = {
  ask({ id, query, variables }) {
    stops[id] = client.subscribe({ query, variables }, sink(id));
  },
  follow({ id, ...what }) {
    const { next, error, complete } = sink(id);
    const stopping = new AbortController();
    stops[id] = () => stopping.abort();
    const begin = () => say({ id, begun: true });
    const take = (transition) => {
      if (stumbles) {
        stumbles = false;
        throw new Error("stumbled");
      }
      next(transition);
    };
    follow(client, { ...what, begin, next: take, signal: stopping.signal }).then(complete, error);
  },
  stop: ({ id }) => stops[id](),
  // In the midst of what it is told.
  terminate: () => (terminates = true),
  stumble: () => (stumbles = true),
};

function say(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

createInterface(process.stdin)
  .on("line", (line) => {
    const { order, ...what } = JSON.parse(line);
    orders[order](what);
  })
  .on("close", () => process.exit());
