import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import type { ResultOf } from "../api/graphql";
import { cursorPaging } from "../api/paging";
import { request } from "../api/request";
import type { Explanation } from "../explanations/explanation";
import { ExplainMembership, ListMemberships, ListTimeline, ShowCustomer } from "./operations";

type CustomerData = ResultOf<typeof ShowCustomer>;
export type ShownCustomer = NonNullable<CustomerData["customer"]>;
export type MetadataDefinition = CustomerData["metadataDefinitions"][number];
export type Membership = ResultOf<typeof ListMemberships>["segmentMembership"][number];

/** A customer, and what names and formats their values. */
export type CustomerProfile = CustomerData & { customer: ShownCustomer };

/** Fields of the profile that replace the stored ones for one question. */
export type Overrides = Record<string, unknown> | null;

/** The profile of a customer; null if there is none with this sourceId. */
export const customerQuery = (sourceId: string) =>
  queryOptions({
    queryKey: ["customer", sourceId],
    queryFn: async ({ signal }): Promise<CustomerProfile | null> => {
      const { customer, ...context } = await request(ShowCustomer, { sourceId }, signal);
      return customer && { customer, ...context };
    },
  });

/** The customer in each of the segments: a member or not, and until when. */
export const membershipsQuery = (sourceId: string, overrides: Overrides) =>
  queryOptions({
    queryKey: ["memberships", sourceId, overrides],
    queryFn: async ({ signal }) =>
      (await request(ListMemberships, { sourceId, overrides }, signal)).segmentMembership,
    placeholderData: keepPreviousData,
    retry: false,
  });

/** Why the customer is a member of the segment, or is not. */
export const explanationQuery = (sourceId: string, segmentId: string, overrides: Overrides) =>
  queryOptions({
    queryKey: ["explanation", sourceId, segmentId, overrides],
    queryFn: async ({ signal }) => {
      const variables = { sourceId, segmentId, overrides };
      const { segmentMembership } = await request(ExplainMembership, variables, signal);
      return (segmentMembership[0]?.explanation ?? null) as Explanation | null;
    },
  });

type TimelinePage = ResultOf<typeof ListTimeline>;
export type TimelineEntry = NonNullable<TimelinePage["customer"]>["timeline"]["nodes"][number];

/** What happened to the customer, the newest first, page by page. */
export const timelineQuery = (sourceId: string) =>
  infiniteQueryOptions({
    queryKey: ["timeline", sourceId],
    queryFn: async ({ pageParam, signal }) => {
      const variables = { sourceId, after: pageParam };
      const { customer, project } = await request(ListTimeline, variables, signal);
      return customer && { ...customer.timeline, currency: project.currency };
    },
    ...cursorPaging,
  });
