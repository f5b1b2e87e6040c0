import { formatCount, formatInstant, formatNumber } from "../ui/formats";
import type { EarningRule } from "./queries";

type RuleState = "ACTIVE" | "PAUSED" | "UPCOMING" | "ENDED";

/** Returns whether the rule gives points now; if not, why not. */
export function stateOf({ enabled, activeFrom, activeUntil }: EarningRule): RuleState {
  if (enabled) return "ACTIVE";
  const now = Date.now();
  if (activeFrom && now < Date.parse(activeFrom)) return "UPCOMING";
  if (activeUntil && Date.parse(activeUntil) <= now) return "ENDED";
  return "PAUSED";
}

/** Returns the state in words, with the date at which it changes. */
export function describeState(rule: EarningRule): string {
  const from = rule.activeFrom && formatInstant(rule.activeFrom);
  const until = rule.activeUntil && formatInstant(rule.activeUntil);
  switch (stateOf(rule)) {
    case "ACTIVE":
      return until ? `● Active until ${until}` : "● Active";
    case "PAUSED":
      return "○ Paused";
    case "UPCOMING":
      return `○ Begins ${from}`;
    case "ENDED":
      return `○ Ended ${until}`;
  }
}

/** Returns the points that the rule gives: "10 points, at most 3 times". */
export function describePoints({ points, maxPerCustomer }: EarningRule): string {
  const { fixed, proportional } = points;
  const given = proportional
    ? `${formatCount(proportional.points, "point")} for every ${formatNumber(proportional.every)} of ${proportional.path}`
    : formatCount(fixed ?? 0, "point");
  return maxPerCustomer ? `${given}, at most ${formatCount(maxPerCustomer, "time")}` : given;
}
