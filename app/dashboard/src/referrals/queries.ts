import { queryOptions } from "@tanstack/react-query";
import type { ResultOf, VariablesOf } from "../api/graphql";
import { request } from "../api/request";
import { type CreateReferralProgram, ListReferralPrograms } from "./operations";

export type ReferralProgram = ResultOf<typeof ListReferralPrograms>["referralPrograms"][number];
export type ReferralTier = ReferralProgram["tiers"][number];
export type ReferralProgramInput = VariablesOf<typeof CreateReferralProgram>["input"];

export const referralProgramsQuery = queryOptions({
  queryKey: ["referralPrograms"],
  queryFn: async ({ signal }) => (await request(ListReferralPrograms, {}, signal)).referralPrograms,
});
