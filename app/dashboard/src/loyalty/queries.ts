import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import type { ResultOf } from "../api/graphql";
import { cursorPaging } from "../api/paging";
import { request } from "../api/request";
import { ListLedger, ListLoyaltyPrograms, ListMetadataTypes } from "./operations";

export type LoyaltyProgram = ResultOf<typeof ListLoyaltyPrograms>["loyaltyPrograms"][number];
export type EarningRule = LoyaltyProgram["earningRules"][number];

export const loyaltyProgramsQuery = queryOptions({
  queryKey: ["loyaltyPrograms"],
  queryFn: async ({ signal }) => (await request(ListLoyaltyPrograms, {}, signal)).loyaltyPrograms,
});

/** The paths of metadata that hold one number. */
export const numberPathsQuery = queryOptions({
  queryKey: ["numberPaths"],
  queryFn: async ({ signal }) => {
    const { metadataDefinitions } = await request(ListMetadataTypes, {}, signal);
    const numbers = metadataDefinitions.filter(
      ({ type, isArray }) => type === "NUMBER" && !isArray,
    );
    return numbers.map(({ key }) => `metadata.${key}`);
  },
});

/** The points of a customer and the ledger, the newest entry first, page by page. */
export const ledgerQuery = (sourceId: string) =>
  infiniteQueryOptions({
    queryKey: ["ledger", sourceId],
    queryFn: async ({ pageParam, signal }) => {
      const { customer } = await request(ListLedger, { sourceId, after: pageParam }, signal);
      return customer && { ...customer.loyalty.ledger, points: customer.loyalty.points };
    },
    ...cursorPaging,
  });
