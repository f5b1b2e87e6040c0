interface Page {
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
}

/** Options of an infinite query whose pages are connections: each begins after the one before. */
export const cursorPaging = {
  initialPageParam: null as string | null,
  getNextPageParam: (page: Page | null | undefined) =>
    page?.pageInfo.hasNextPage ? page.pageInfo.endCursor : null,
};
