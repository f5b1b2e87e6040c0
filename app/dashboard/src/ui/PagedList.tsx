import { type ReactNode, useState } from "react";
import { ActionButton } from "./ActionButton";
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
  const [isExtended, setExtended] = useState(false);
  const isRead = query.data !== undefined;
  return (
    <>
      {query.error && <Problem error={query.error} onRetry={() => query.refetch()} />}
      {!isRead && !query.error && <p className="waiting">{waiting}</p>}
      {isRead && isEmpty && <p>{empty}</p>}
      {isRead && !isEmpty && <div aria-busy={query.isPlaceholderData}>{children}</div>}
      {query.hasNextPage && (
        <ActionButton
          isPending={query.isFetching}
          onClick={() => {
            setExtended(true);
            query.fetchNextPage();
          }}
        >
          Show more
        </ActionButton>
      )}
      {isExtended && isRead && !query.hasNextPage && (
        <p className="hint" tabIndex={-1} ref={focusIfLost}>
          That is all.
        </p>
      )}
    </>
  );
}

/** Focuses the element if the one that had the focus is gone. */
function focusIfLost(element: HTMLElement | null) {
  if (document.activeElement === document.body) element?.focus();
}
