export const STATUS_NAMES = {
  PENDING: "Pending",
  DELIVERED: "Delivered",
  RETRYING: "Retrying",
  FAILED: "Failed",
  SKIPPED: "Skipped",
} as const;

export type DeliveryStatus = keyof typeof STATUS_NAMES;

export const STATE_NAMES = { LIVE: "● Live", PAUSED: "○ Paused" } as const;
export const OCCASIONS = {
  ENTERED: "When a customer enters",
  LEFT: "When a customer leaves",
} as const;
