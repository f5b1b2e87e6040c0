import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import type { ResultOf, VariablesOf } from "../api/graphql";
import { cursorPaging } from "../api/paging";
import { request, requestPartial } from "../api/request";
import {
  type CreateDistribution,
  ListDeliveries,
  ListDistributions,
  ShowDistribution,
} from "./operations";
import type { DeliveryStatus } from "./words";

const POLL_MS = 5_000;

type Found<Data extends { node: unknown }, Key extends string> = Extract<
  Data["node"],
  Record<Key, unknown>
>;
export type ShownDistribution = Found<ResultOf<typeof ShowDistribution>, "segment">;
type DeliveryPage = Found<ResultOf<typeof ListDeliveries>, "deliveries">["deliveries"];
export type Delivery = DeliveryPage["nodes"][number];

export type DistributionInput = VariablesOf<typeof CreateDistribution>["input"];

export const distributionsQuery = queryOptions({
  queryKey: ["distributions"],
  queryFn: async ({ signal }) => (await request(ListDistributions, {}, signal)).distributions,
});

/** One distribution, read again and again while it is shown; null if there is none with this id. */
export const distributionQuery = (id: string) =>
  queryOptions({
    queryKey: ["distribution", id],
    queryFn: async ({ signal }) => {
      const { node } = await request(ShowDistribution, { id }, signal);
      return node && "segment" in node ? node : null;
    },
    refetchInterval: POLL_MS,
  });

/** The deliveries with the status, or with any, the newest first, page by page. */
export const deliveriesQuery = (id: string, status: DeliveryStatus | null) =>
  infiniteQueryOptions({
    queryKey: ["deliveries", id, status],
    queryFn: async ({ pageParam, signal }) => {
      const variables = { id, statuses: status && [status], after: pageParam };
      const { node, fieldErrors } = await requestPartial(ListDeliveries, variables, signal);
      return node && "deliveries" in node ? { ...node.deliveries, fieldErrors } : undefined;
    },
    ...cursorPaging,
    placeholderData: keepPreviousData,
  });

/** Returns the number of deliveries with the status. */
export const countOf = (counts: ShownDistribution["counts"], status: DeliveryStatus) =>
  counts.find((entry) => entry.status === status)?.count ?? 0;
