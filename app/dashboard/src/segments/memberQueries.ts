import { infiniteQueryOptions, keepPreviousData } from "@tanstack/react-query";
import type { ResultOf } from "../api/graphql";
import { cursorPaging } from "../api/paging";
import { request } from "../api/request";
import { ListMembers, SearchMembers } from "./memberOperations";

// The first page fills the screen soon; the others are as large as the API allows.
const FIRST_PAGE_SIZE = 100;
const PAGE_SIZE = 1_000;
const KEPT_MS = 60_000;

type SearchPage = ResultOf<typeof SearchMembers>["customers"];

export interface Member {
  customer: SearchPage["nodes"][number];
  /** When the customer entered an active segment, if that is known. */
  enteredAt: string | null;
}

interface MemberPage {
  members: Member[];
  pageInfo: SearchPage["pageInfo"];
}

export interface MemberSelection {
  /** What the members are searched for; empty for all of them. */
  search: string;
  /** Whether more is needed of the members than their names, sourceIds and emails. */
  hasDetails: boolean;
}

/** The members of a segment, page by page. */
export const membersQuery = (id: string, { search, hasDetails }: MemberSelection) =>
  infiniteQueryOptions({
    queryKey: ["members", id, search, hasDetails],
    queryFn: ({ pageParam: after, signal }) =>
      search
        ? searchMembers({ id, search, after, hasDetails }, signal)
        : readMembers({ id, after, hasDetails }, signal),
    ...cursorPaging,
    placeholderData: keepPreviousData,
    // To read many pages anew takes long. The list is read anew when it is opened later.
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: KEPT_MS,
    retry: false,
  });

interface PageVariables {
  id: string;
  after: string | null;
  hasDetails: boolean;
}

async function readMembers(variables: PageVariables, signal: AbortSignal): Promise<MemberPage> {
  const first = variables.after ? PAGE_SIZE : FIRST_PAGE_SIZE;
  const { segment } = await request(ListMembers, { ...variables, first }, signal);
  const { edges = [], pageInfo = NO_MORE_PAGES } = segment?.members ?? {};
  const members = edges.map(({ node, enteredAt }) => ({ customer: node, enteredAt }));
  return { members, pageInfo };
}

async function searchMembers(
  variables: PageVariables & { search: string },
  signal: AbortSignal,
): Promise<MemberPage> {
  const { nodes, pageInfo } = (await request(SearchMembers, variables, signal)).customers;
  return { members: nodes.map((customer) => ({ customer, enteredAt: null })), pageInfo };
}

const NO_MORE_PAGES = { hasNextPage: false, endCursor: null };
