import { queryOptions } from "@tanstack/react-query";
import type { ResultOf } from "../api/graphql";
import { request, requestPartial } from "../api/request";
import { ListExportFields, ListExports } from "./operations";

const PROGRESS_INTERVAL_MS = 1_000;

export type ListedExport = ResultOf<typeof ListExports>["exports"]["nodes"][number];

/** Whether a worker still has to write rows of the export. */
export const isRunning = ({ status }: ListedExport) =>
  status === "SCHEDULED" || status === "IN_PROGRESS";

/** The exports of a segment, read every second while one of them runs. */
export const exportsQuery = (segmentId: string) =>
  queryOptions({
    queryKey: ["exports", segmentId],
    queryFn: async ({ signal }) => {
      const { exports, fieldErrors } = await requestPartial(ListExports, { segmentId }, signal);
      return { rows: exports.nodes, fieldErrors };
    },
    refetchInterval: ({ state }) =>
      state.data?.rows.some(isRunning) ? PROGRESS_INTERVAL_MS : false,
  });

/** The columns that an export may have. */
export const exportFieldsQuery = queryOptions({
  queryKey: ["exportFields"],
  queryFn: async ({ signal }) => (await request(ListExportFields, {}, signal)).exportFields,
});
