import { queryOptions } from "@tanstack/react-query";
import type { ResultOf } from "../api/graphql";
import { request } from "../api/request";
import type { Customer } from "../customers/queries";
import { ReadListLimit, ReadListMembers } from "./operations";

/** The maximum number of customers in a fixed list. */
export const listLimitQuery = queryOptions({
  queryKey: ["listLimit"],
  queryFn: async ({ signal }) =>
    (await request(ReadListLimit, {}, signal)).project.mostStaticMembers,
  staleTime: Number.POSITIVE_INFINITY,
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
