import type { ReactNode } from "react";
import { Problem } from "./Problem";

interface Props {
  /** The infinite query of the pages. */
  query: {
    data: unknown;
    error: Error | null;
    isPlaceholderData: boolean;
    isFetching: boolean;
    hasNextPage: boolean;
    refetch: () => unknown;
    fetchNextPage: () => unknown;
  };
  /** Whether the pages have no item. */
  isEmpty: boolean;
  /** The text until the first page is read. */
  waiting: string;
  /** The text in place of an empty list. */
  empty: ReactNode;
  children: ReactNode;
}

/** A list that is read page by page, and a button for the next page. */
export function PagedList({ query, isEmpty, waiting, empty, children }: Props) {
  const isRead = query.data !== undefined;
  return (
    <>
      {query.error && <Problem error={query.error} onRetry={() => query.refetch()} />}
      {!isRead && !query.error && <p className="waiting">{waiting}</p>}
      {isRead && isEmpty && <p>{empty}</p>}
      {isRead && !isEmpty && <div aria-busy={query.isPlaceholderData}>{children}</div>}
      {query.hasNextPage && (
        <button type="button" disabled={query.isFetching} onClick={() => query.fetchNextPage()}>
          Show more
        </button>
      )}
    </>
  );
}
