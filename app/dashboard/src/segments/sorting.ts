/** The orders of the list by their names in the address. */
const ORDERS = { name: "NAME", size: "LAST_SIZE", edited: "UPDATED" } as const;

export type SortableOrder = (typeof ORDERS)[keyof typeof ORDERS];

/** How the list is sorted; null for the order in which the segments were created. */
export type SegmentSorting = { order: SortableOrder; descending: boolean } | null;

/** Reads the text of an address: "name", or "-name" for the opposite order. */
export function readSorting(text: string): SegmentSorting {
  const descending = text.startsWith("-");
  const name = descending ? text.slice(1) : text;
  return isName(name) ? { order: ORDERS[name], descending } : null;
}

export function writeSorting(sorting: SegmentSorting): string {
  const found = Object.entries(ORDERS).find(([, order]) => order === sorting?.order);
  return found ? `${sorting?.descending ? "-" : ""}${found[0]}` : "";
}

function isName(text: string): text is keyof typeof ORDERS {
  return Object.hasOwn(ORDERS, text);
}
