import { queryOptions } from "@tanstack/react-query";
import type { ResultOf } from "../api/graphql";
import { request } from "../api/request";
import { FindCodeRecipients, ListCodePools, ShowCodePool } from "./operations";

const PROGRESS_INTERVAL_MS = 1_000;

export type CodePool = ResultOf<typeof ListCodePools>["codePools"][number];
export type ShownCodePool = Extract<
  ResultOf<typeof ShowCodePool>["node"],
  Record<"generatingCount", unknown>
>;

export type CodeRecipient = ResultOf<typeof FindCodeRecipients>["codeRecipients"][number];

/** Whether a job has yet to generate codes of the pool. */
export const isGenerating = ({ generatingCount }: { generatingCount: number }) =>
  generatingCount > 0;

/** All code pools, read every second while codes are generated. */
export const codePoolsQuery = queryOptions({
  queryKey: ["codePools"],
  queryFn: async ({ signal }) => (await request(ListCodePools, {}, signal)).codePools,
  refetchInterval: ({ state }) => (state.data?.some(isGenerating) ? PROGRESS_INTERVAL_MS : false),
});

/** One code pool, read every second while its codes are generated; null if there is none. */
export const codePoolQuery = (id: string) =>
  queryOptions({
    queryKey: ["codePool", id],
    queryFn: async ({ signal }) => {
      const { node } = await request(ShowCodePool, { id }, signal);
      return node && "generatingCount" in node ? node : null;
    },
    refetchInterval: ({ state }) =>
      state.data && isGenerating(state.data) ? PROGRESS_INTERVAL_MS : false,
  });

/** The customers who got the code, the newest first. */
export const codeRecipientsQuery = (code: string) =>
  queryOptions({
    queryKey: ["codeRecipients", code],
    queryFn: async ({ signal }) =>
      (await request(FindCodeRecipients, { code }, signal)).codeRecipients,
  });
