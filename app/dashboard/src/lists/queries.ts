import { queryOptions } from "@tanstack/react-query";
import type { ResultOf } from "../api/graphql";
import { request } from "../api/request";
import { type Customer, customerCountQuery } from "../customers/queries";
import { type Chosen, type ListFilter, toConditions, toFilter } from "./chosen";
import { DescribeGroup, FindGroupMembers, ReadListLimit, ReadListMembers } from "./operations";

/** The maximum number of customers in a fixed list. */
export const listLimitQuery = queryOptions({
  queryKey: ["listLimit"],
  queryFn: async ({ signal }) =>
    (await request(ReadListLimit, {}, signal)).project.mostStaticMembers,
  staleTime: Number.POSITIVE_INFINITY,
});

/** The number of customers in a list that has groups, each counted once. */
export const chosenCountQuery = (chosen: Chosen) => ({
  ...customerCountQuery({ search: "", filter: toFilter(chosen) }),
  // The filter may name thousands of customers.
  gcTime: 0,
});

/** The ids of those of at most 100 customers who match the filter. */
export const groupMembersQuery = (filter: ListFilter, customers: readonly Customer[]) =>
  queryOptions({
    queryKey: ["groupMembers", filter, customers.map(({ id }) => id)],
    queryFn: async ({ signal }) => {
      const variables = { filter: { all: [filter, ...toConditions(customers)] } };
      const { nodes } = (await request(FindGroupMembers, variables, signal)).customers;
      return nodes.map(({ id }) => id);
    },
    retry: false,
  });

/** The filter as a sentence, and how many customers match it. */
export const groupQuery = (filter: ListFilter) =>
  queryOptions({
    queryKey: ["listGroup", filter],
    queryFn: async ({ signal }) =>
      (await request(DescribeGroup, { filter }, signal)).segmentPreview,
    retry: false,
  });

/** The name and all members of a fixed list; null if there is none with this id. */
export const listMembersQuery = (id: string) =>
  queryOptions({
    queryKey: ["listMembers", id],
    queryFn: ({ signal }) => readListMembers(id, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });

type ListPage = ResultOf<typeof ReadListMembers>;

async function readListMembers(id: string, signal: AbortSignal) {
  const members: Customer[] = [];
  let name = "";
  let after: string | null = null;
  do {
    const data: ListPage = await request(ReadListMembers, { id, after }, signal);
    const segment: ListPage["segment"] = data.segment;
    if (segment?.kind !== "STATIC") return null;
    name = segment.name;
    members.push(...segment.members.nodes);
    const { hasNextPage, endCursor } = segment.members.pageInfo;
    after = hasNextPage ? endCursor : null;
  } while (after);
  return { name, members };
}
