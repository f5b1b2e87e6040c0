import { type InfiniteData, infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import type { ResultOf } from "../api/graphql";
import { cursorPaging } from "../api/paging";
import { type FieldError, request, requestPartial } from "../api/request";
import { ListExportFields, ListExports } from "./operations";

type ExportPage = ResultOf<typeof ListExports>["exports"] & {
  fieldErrors: readonly FieldError[];
};
export type ExportPages = InfiniteData<ExportPage>;
export type ListedExport = ExportPage["nodes"][number];
export type ExportField = ResultOf<typeof ListExportFields>["exportFields"][number];

/** Whether a worker still has to write rows of the export. */
export const isRunning = ({ status }: ListedExport) =>
  status === "SCHEDULED" || status === "IN_PROGRESS";

/** The exports of a segment, the newest first, page by page. */
export const exportsQuery = (segmentId: string) =>
  infiniteQueryOptions({
    queryKey: ["exports", segmentId],
    queryFn: async ({ pageParam, signal }): Promise<ExportPage> => {
      const variables = { segmentId, after: pageParam };
      const { exports, fieldErrors } = await requestPartial(ListExports, variables, signal);
      return { ...exports, fieldErrors };
    },
    ...cursorPaging,
  });

export const listExports = (data: ExportPages | undefined): ListedExport[] =>
  data?.pages.flatMap(({ nodes }) => nodes) ?? [];

/** Returns the pages with this state of an export. */
export function withExport(
  data: ExportPages | undefined,
  row: ListedExport,
): ExportPages | undefined {
  return (
    data && {
      ...data,
      pages: data.pages.map((page) => ({
        ...page,
        nodes: page.nodes.map((other) => (other.id === row.id ? row : other)),
      })),
    }
  );
}

/** The columns that an export may have. */
export const exportFieldsQuery = queryOptions({
  queryKey: ["exportFields"],
  queryFn: async ({ signal }) => (await request(ListExportFields, {}, signal)).exportFields,
});
