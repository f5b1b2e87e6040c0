import { createDraft, type Draft } from "../drafts/history";
import { toTree } from "../filter/node";
import type { Filter } from "../filter/types";

/** A segment that many shops need, to begin with. */
export interface Starter {
  name: string;
  description: string;
  filter: Filter;
}

export const STARTERS: readonly Starter[] = [
  {
    name: "VIPs",
    description: "Customers with five orders or more",
    filter: {
      all: [
        {
          attribute: {
            path: "orders.totalCount",
            operator: "GREATER_THAN_OR_EQUAL",
            value: 5,
          },
        },
      ],
    },
  },
  {
    name: "Gone quiet",
    description: "Customers whose last order is more than 90 days ago",
    filter: {
      all: [
        { attribute: { path: "orders.lastOrderAt", operator: "MORE_THAN_AGO", value: "P90D" } },
      ],
    },
  },
  {
    name: "Birthday this week",
    description: "Customers who have their birthday in this calendar week",
    filter: {
      all: [
        {
          attribute: {
            path: "birthdate",
            operator: "ANNIVERSARY_IN_PERIOD",
            value: "THIS_WEEK",
          },
        },
      ],
    },
  },
];

/** Returns the starter as a draft for the editor. */
export const toStarterDraft = ({ name, description, filter }: Starter): Draft => ({
  ...createDraft(toTree(filter)),
  name,
  description,
});
