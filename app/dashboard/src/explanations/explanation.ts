/** Why a filter holds for a customer or does not, in the shape of the filter. */
export interface Explanation {
  holds: boolean;
  all?: Explanation[];
  any?: Explanation[];
  none?: Explanation[];
  /** What a condition requires. */
  wanted?: string;
  /** What the customer has. */
  has?: unknown;
  /** The explanation of the segment that a condition names; only of its first one. */
  segment?: Explanation;
}

/** Returns the junction of a group and its parts; null for a condition. */
export function readGroup(explanation: Explanation) {
  const { all, any, none } = explanation;
  if (all) return { junction: "all", parts: all } as const;
  if (any) return { junction: "any", parts: any } as const;
  if (none) return { junction: "none", parts: none } as const;
  return null;
}

/** Returns what a customer has, in words. */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value)) return value.map(describeValue).join(", ") || "nothing";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
