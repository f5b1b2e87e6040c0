import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import type { ResultOf, VariablesOf } from "../api/graphql";
import { cursorPaging } from "../api/paging";
import { request, requestPartial } from "../api/request";
import {
  DescribeEdit,
  ListChanges,
  ListSegments,
  ListTransitions,
  ReadActivation,
  ShowSegment,
} from "./operations";
import type { SegmentSorting } from "./sorting";
import type { SegmentKind, TransitionType } from "./words";

export type ListedSegment = ResultOf<typeof ListSegments>["segments"]["nodes"][number];

/** Which segments a list shows, and in which order. */
export interface SegmentSelection {
  /** A part of the name. */
  search: string;
  kind: SegmentKind | "";
  isUnused: boolean;
  sorting: SegmentSorting;
}

/** The selected segments, page by page. */
export const segmentsQuery = (selection: SegmentSelection) =>
  infiniteQueryOptions({
    queryKey: ["segments", selection],
    queryFn: async ({ pageParam, signal }) => {
      const variables = { ...toVariables(selection), after: pageParam };
      const { segments, fieldErrors } = await requestPartial(ListSegments, variables, signal);
      return { ...segments, fieldErrors };
    },
    ...cursorPaging,
    placeholderData: keepPreviousData,
  });

function toVariables({ search, kind, isUnused, sorting }: SegmentSelection) {
  return {
    search: search || null,
    kinds: kind ? [kind] : null,
    unused: isUnused || null,
    orderBy: sorting?.order ?? ("CREATED" as const),
    descending: sorting?.descending ?? false,
  };
}

/** One segment; null if there is none with this id. */
export const segmentQuery = (id: string) =>
  queryOptions({
    queryKey: ["segment", id],
    queryFn: async ({ signal }) => (await request(ShowSegment, { id }, signal)).segment,
  });

export type ShownSegment = NonNullable<ResultOf<typeof ShowSegment>["segment"]>;

/** What made the segment active; null if that is not known. */
export const activationQuery = (id: string) =>
  queryOptions({
    queryKey: ["activation", id],
    queryFn: async ({ signal }) => {
      const { segment } = await request(ReadActivation, { id }, signal);
      return segment?.changes.nodes.find(({ kind }) => kind === "ACTIVATED")?.use ?? null;
    },
    staleTime: Number.POSITIVE_INFINITY,
  });

/** The transitions of a segment, the newest first, page by page; of one type, or of both. */
export const transitionsQuery = (id: string, type: TransitionType | null) =>
  infiniteQueryOptions({
    queryKey: ["transitions", id, type],
    queryFn: async ({ pageParam, signal }) => {
      const { segment } = await request(ListTransitions, { id, type, after: pageParam }, signal);
      return segment?.transitions;
    },
    ...cursorPaging,
    placeholderData: keepPreviousData,
  });

/** What was done to a segment, the newest first, page by page. */
export const changesQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: ["changes", id],
    queryFn: async ({ pageParam, signal }) => {
      const { segment } = await request(ListChanges, { id, after: pageParam }, signal);
      return segment?.changes;
    },
    ...cursorPaging,
  });

type Changes = NonNullable<ResultOf<typeof ListChanges>["segment"]>["changes"];
export type SegmentChange = Changes["edges"][number]["node"];

/** The sentences of two filters. */
export const editTextsQuery = (before: unknown, after: unknown) =>
  queryOptions({
    queryKey: ["editTexts", before, after],
    queryFn: ({ signal }) =>
      request(DescribeEdit, { before, after } as VariablesOf<typeof DescribeEdit>, signal),
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
