interface Props {
  query: { hasNextPage: boolean; isFetching: boolean; fetchNextPage: () => unknown };
}

/** A button for the next page of a list; nothing if there is none. */
export function ShowMore({ query }: Props) {
  if (!query.hasNextPage) return null;
  return (
    <button type="button" disabled={query.isFetching} onClick={() => query.fetchNextPage()}>
      Show more
    </button>
  );
}
