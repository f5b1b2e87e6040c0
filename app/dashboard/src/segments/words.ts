/** What the page calls the kinds of segments. */
export const KIND_NAMES = { STATIC: "Static", PASSIVE: "Passive", ACTIVE: "Active" } as const;

export const KIND_EXPLANATIONS = {
  STATIC: "A fixed list of customers",
  PASSIVE: "A filter that is evaluated when somebody asks",
  ACTIVE: "A filter that is evaluated all the time; something acts when customers enter or leave",
} as const;

export const USE_NAMES = {
  VALIDATION_RULE: "Validation rule",
  DISTRIBUTION: "Distribution",
  EARNING_RULE: "Earning rule",
  REFERRAL_TIER: "Referral tier",
  SEGMENT: "Segment",
} as const;

export type SegmentKind = keyof typeof KIND_NAMES;

export const TRANSITION_NAMES = { ENTERED: "Entered", LEFT: "Left" } as const;

export type TransitionType = keyof typeof TRANSITION_NAMES;

export const NO_TRANSITIONS =
  "Only an active segment has transitions. A segment becomes active when something acts on its " +
  "transitions, for example a distribution.";

export const CHANGE_NAMES = {
  CREATED: "Created",
  RENAMED: "Renamed",
  FILTER_EDITED: "Filter edited",
  ACTIVATED: "Made active",
} as const;

export const CAUSE_NAMES = {
  LIVE: "A change of the customer",
  TIME: "Time has passed",
  DELETED: "The customer was deleted",
  DEFINITION: "A change of the segment",
} as const;
