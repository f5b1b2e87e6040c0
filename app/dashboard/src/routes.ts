/** The addresses of the pages, below /app. */
export const routes = {
  segments: "/segments",
  segment: (id: string, tab?: string) => `/segments/${id}${tab ? `/${tab}` : ""}`,
};
