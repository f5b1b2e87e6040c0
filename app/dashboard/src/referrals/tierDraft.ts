import type { FoundSegment } from "../editor/queries";
import type { ReferralProgramInput } from "./queries";

/** A tier in the form, with the texts of both kinds of rewards. */
export interface TierDraft {
  key: number;
  name: string;
  minReferrals: string;
  reward: "points" | "code";
  points: string;
  programId: string;
  poolId: string;
  segment: FoundSegment | null;
}

export const createTier = (key: number): TierDraft => ({
  key,
  name: "",
  minReferrals: "",
  reward: "points",
  points: "",
  programId: "",
  poolId: "",
  segment: null,
});

export const toTierInput = (tier: TierDraft): ReferralProgramInput["tiers"][number] => ({
  name: tier.name,
  minReferrals: Number(tier.minReferrals),
  reward:
    tier.reward === "points"
      ? { points: { programId: tier.programId, points: Number(tier.points) } }
      : { codePoolId: tier.poolId },
  segmentId: tier.segment?.id ?? null,
});
