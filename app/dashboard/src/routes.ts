/** The addresses of the pages, below /app. */
export const routes = {
  segments: "/segments",
  newSegment: "/segments/new",
  newList: "/segments/new/list",
  changedCopy: (id: string) => `/segments/new/list?from=${id}`,
  editSegment: (id: string) => `/segments/${id}/edit`,
  segment: (id: string, tab?: string) => `/segments/${id}${tab ? `/${tab}` : ""}`,
};
