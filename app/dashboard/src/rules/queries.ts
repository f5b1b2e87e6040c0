import { queryOptions } from "@tanstack/react-query";
import type { ResultOf } from "../api/graphql";
import { request } from "../api/request";
import { ListRules, Validate } from "./operations";

export type Rule = ResultOf<typeof ListRules>["validationRules"][number];

export const rulesQuery = queryOptions({
  queryKey: ["rules"],
  queryFn: async ({ signal }) => (await request(ListRules, {}, signal)).validationRules,
});

/** Whether the customer may use what the rule guards, now. */
export const validationQuery = (ruleId: string, customerId: string) =>
  queryOptions({
    queryKey: ["validation", ruleId, customerId],
    queryFn: async ({ signal }) =>
      (await request(Validate, { ruleId, customer: { id: customerId } }, signal)).validate,
    retry: false,
  });
