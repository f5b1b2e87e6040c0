import { limitConcurrency } from "./concurrency";

// A browser has six connections to a host: counts must leave some for everything else.
const MAX_RUNNING_COUNTS = 2;

/** Runs a task that counts customers, once fewer than two others run on the page. */
export const runCount = limitConcurrency(MAX_RUNNING_COUNTS);
