/** The id of the first field of a new export. As the fragment of the address, it asks for the focus. */
export const NEW_EXPORT = "new-export";

/** The addresses of the pages, below /app. */
export const routes = {
  segments: "/segments",
  fixedLists: "/segments?kind=STATIC",
  newSegment: "/segments/new",
  newList: "/segments/new/list",
  changedCopy: (id: string) => `/segments/new/list?from=${id}`,
  duplicate: (id: string) => `/segments/new?from=${id}`,
  newFromDraft: (id: string) => `/segments/new?draft=${id}`,
  editSegment: (id: string) => `/segments/${id}/edit`,
  customers: "/customers",
  customer: (sourceId: string, tab?: string) =>
    `/customers/${encodeURIComponent(sourceId)}${tab ? `/${tab}` : ""}`,
  /** Why the customer is in the segment, or is not. */
  membership: (sourceId: string, segmentId: string) =>
    `${routes.customer(sourceId, "memberships")}#${segmentId}`,
  rules: "/rules",
  distributions: "/distributions",
  engine: "/engine",
  import: "/import",
  distribution: (id: string) => `/distributions/${id}`,
  codePools: "/codes",
  codePool: (id: string) => `/codes/${id}`,
  loyalty: "/loyalty",
  referrals: "/referrals",
  /** The exports of a segment, with the focus on the form of a new one. */
  newExport: (id: string) => `/segments/${id}/exports#${NEW_EXPORT}`,
  segment: (id: string, tab?: string) => `/segments/${id}${tab ? `/${tab}` : ""}`,
};

/**
 * Returns the sourceId of the customer in the address. The router decodes only a part of the
 * characters, so that its parameter is no sourceId: a slash stays `%2F`, but `%25` becomes `%`.
 */
export function readSourceId(): string {
  const [, encoded = ""] = window.location.pathname.split("/customers/");
  const [segment = ""] = encoded.split("/");
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
