import { type ReactNode, useState } from "react";
import type { FieldError } from "../api/request";
import { ActionButton } from "./ActionButton";
import { FieldProblems, Problem } from "./Problem";
import { useLastValue } from "./useLastValue";

interface Page {
  pageInfo: unknown;
  fieldErrors?: readonly FieldError[];
}

interface Props {
  /** The infinite query of the pages. */
  query: {
    data: { pages: readonly (Page | null | undefined)[] } | undefined;
    error: Error | null;
    isPlaceholderData: boolean;
    isFetching: boolean;
    hasNextPage: boolean;
    refetch: () => unknown;
    fetchNextPage: () => unknown;
  };
  /** Whether the pages have no item. */
  isEmpty: boolean;
  /** What screen readers read beside a skeleton of the rows, until the first page is read. */
  waiting: string;
  /** The text in place of an empty list. */
  empty: ReactNode;
  children: ReactNode;
}

/** A list that is read page by page, and a button for the next page. */
export function PagedList({ query, isEmpty, waiting, empty, children }: Props) {
  const [isExtended, setExtended] = useState(false);
  const isRead = query.data !== undefined;
  const rows = isRead && !isEmpty ? children : null;
  const oldRows = useLastValue(isRead ? rows : undefined);
  return (
    <>
      {query.error && <Problem error={query.error} onRetry={() => query.refetch()} />}
      <FieldProblems errors={query.data?.pages.flatMap((page) => page?.fieldErrors ?? []) ?? []} />
      {!isRead && !query.error && (
        <>
          <p className="waiting visually-hidden">{waiting}</p>
          <div className="skeleton" aria-hidden="true" />
        </>
      )}
      {isRead && isEmpty && <p>{empty}</p>}
      {rows && <div aria-busy={query.isPlaceholderData}>{rows}</div>}
      {!isRead && query.error && oldRows && (
        <>
          <p className="hint">This is what was shown before:</p>
          {oldRows}
        </>
      )}
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
