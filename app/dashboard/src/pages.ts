import { routes } from "./routes";

/** A page of the navigation. */
export interface Page {
  name: string;
  href: string;
  /** The key that opens it after `g`. */
  key: string;
}

export const ENGAGEMENT_PAGES: readonly Page[] = [
  { name: "Segments", href: routes.segments, key: "s" },
  { name: "Customers", href: routes.customers, key: "c" },
  { name: "Import", href: routes.import, key: "i" },
  { name: "Validation rules", href: routes.rules, key: "v" },
  { name: "Distributions", href: routes.distributions, key: "d" },
  { name: "Code pools", href: routes.codePools, key: "p" },
  { name: "Loyalty", href: routes.loyalty, key: "y" },
  { name: "Referrals", href: routes.referrals, key: "r" },
];

export const ENGINE_PAGE: Page = { name: "Engine", href: routes.engine, key: "e" };

/** All that keys and the finder open, also what the navigation does not name. */
export const PAGES: readonly Page[] = [
  ...ENGAGEMENT_PAGES,
  { name: "Fixed lists", href: routes.fixedLists, key: "l" },
  ENGINE_PAGE,
];
