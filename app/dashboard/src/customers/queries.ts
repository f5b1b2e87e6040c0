import {
  type InfiniteData,
  infiniteQueryOptions,
  keepPreviousData,
  queryOptions,
} from "@tanstack/react-query";
import type { ResultOf, VariablesOf } from "../api/graphql";
import { cursorPaging } from "../api/paging";
import { request } from "../api/request";
import { CountCustomers, SearchCustomers } from "./operations";

const PAGE_SIZE = 50;
const MAX_PAGE_SIZE = 100;
const SUGGESTED_CUSTOMERS = 10;

type CustomerPage = ResultOf<typeof SearchCustomers>["customers"];
export type CustomerPages = InfiniteData<CustomerPage>;
export type Customer = CustomerPage["nodes"][number];

/** Which customers are meant: those whom the search finds and who meet the filter. */
export interface CustomerSelection {
  search: string;
  filter: NonNullable<VariablesOf<typeof SearchCustomers>["filter"]> | null;
}

const toVariables = ({ search, filter }: CustomerSelection) => ({
  search: search || null,
  filter,
});

/** The selected customers, page by page. */
export const customersQuery = (selection: CustomerSelection) =>
  infiniteQueryOptions({
    queryKey: ["customers", selection],
    queryFn: async ({ pageParam, signal }) => {
      const variables = { ...toVariables(selection), first: PAGE_SIZE, after: pageParam };
      return (await request(SearchCustomers, variables, signal)).customers;
    },
    ...cursorPaging,
    placeholderData: keepPreviousData,
    retry: false,
  });

/** The number of the selected customers. */
export const customerCountQuery = (selection: CustomerSelection) =>
  queryOptions({
    queryKey: ["customerCount", selection],
    queryFn: async ({ signal }) =>
      (await request(CountCustomers, toVariables(selection), signal)).customers.totalCount,
    retry: false,
  });

/** The first customers whom a text finds. */
export const customerSearch = (search: string) => ({
  queryKey: ["customerSearch", search],
  queryFn: async ({ signal }: { signal: AbortSignal }) => {
    const variables = { search: search || null, filter: null, first: SUGGESTED_CUSTOMERS };
    return (await request(SearchCustomers, variables, signal)).customers.nodes;
  },
});

/**
 * Returns all selected customers. Calls `onProgress` with the number that it has read. Throws an
 * error if there are more than `limit`.
 */
export async function readSelectedCustomers(
  selection: CustomerSelection,
  limit: number,
  signal: AbortSignal,
  onProgress: (count: number) => void,
): Promise<Customer[]> {
  const customers: Customer[] = [];
  let after: string | null = null;
  do {
    const variables = { ...toVariables(selection), first: MAX_PAGE_SIZE, after };
    const page: CustomerPage = (await request(SearchCustomers, variables, signal)).customers;
    customers.push(...page.nodes);
    onProgress(customers.length);
    if (customers.length > limit) {
      throw new Error("Meanwhile there are too many customers. Search or filter for fewer.");
    }
    after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
  } while (after);
  return customers;
}
