import { queryOptions } from "@tanstack/react-query";
import type { ResultOf } from "../api/graphql";
import { request } from "../api/request";
import { ListWorkers, ShowEngine } from "./operations";

const POLL_MS = 2_000;
const WORKERS_POLL_MS = 10_000;

export type EngineStatus = ResultOf<typeof ShowEngine>["engineStatus"];

/** The status of the engine, read again and again while the page is visible. */
export const engineQuery = queryOptions({
  queryKey: ["engine"],
  queryFn: async ({ signal }) => (await request(ShowEngine, {}, signal)).engineStatus,
  refetchInterval: POLL_MS,
});

/** Whether a worker runs, read again now and then while the page is visible. */
export const hasWorkerQuery = queryOptions({
  queryKey: ["hasWorker"],
  queryFn: async ({ signal }) =>
    (await request(ListWorkers, {}, signal)).engineStatus.workers.length > 0,
  refetchInterval: WORKERS_POLL_MS,
});
