import { nameOf } from "../customers/nameOf";
import type { Customer } from "../customers/queries";
import type { FoundSegment } from "../editor/queries";
import { PAGES } from "../pages";
import { routes } from "../routes";

/** Something that the finder opens. */
export interface FinderItem {
  heading: string;
  name: string;
  detail: string;
  href: string;
}

/** Returns the pages whose names have the text, then the segments and the customers. */
export function toFinderItems(
  text: string,
  segments: readonly FoundSegment[],
  customers: readonly Customer[],
): FinderItem[] {
  const sought = text.trim().toLowerCase();
  const pages = PAGES.filter(({ name }) => name.toLowerCase().includes(sought));
  return [
    ...pages.map(({ name, href }) => ({ heading: "Pages", name, detail: "", href })),
    ...segments.map(({ id, name }) => ({
      heading: "Segments",
      name,
      detail: "",
      href: routes.segment(id),
    })),
    ...customers.map((customer) => ({
      heading: "Customers",
      name: nameOf(customer),
      detail: [customer.name && customer.sourceId, customer.email].filter(Boolean).join(", "),
      href: routes.customer(customer.sourceId),
    })),
  ];
}
