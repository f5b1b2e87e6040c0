import { queryOptions } from "@tanstack/react-query";
import type { ResultOf } from "../api/graphql";
import { request } from "../api/request";
import { ShowEngine } from "./operations";

const POLL_MS = 2_000;

export type EngineStatus = ResultOf<typeof ShowEngine>["engineStatus"];

/** The status of the engine, read again and again while the page is visible. */
export const engineQuery = queryOptions({
  queryKey: ["engine"],
  queryFn: async ({ signal }) => (await request(ShowEngine, {}, signal)).engineStatus,
  refetchInterval: POLL_MS,
});
