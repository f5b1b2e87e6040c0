/** The addresses of the pages, below /app. */
export const routes = {
  segments: "/segments",
  newSegment: "/segments/new",
  editSegment: (id: string) => `/segments/${id}/edit`,
  segment: (id: string, tab?: string) => `/segments/${id}${tab ? `/${tab}` : ""}`,
};
