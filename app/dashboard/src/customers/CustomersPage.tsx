import { useInfiniteQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useState } from "react";
import { Link } from "wouter";
import { useCanWrite } from "../access/viewer";
import { createDraft } from "../drafts/history";
import { toFragment } from "../drafts/link";
import { useLinkedDraft } from "../drafts/linkedDraft";
import { FilterPanel } from "../editor/FilterPanel";
import type { GroupNode } from "../filter/node";
import { routes } from "../routes";
import { Problem } from "../ui/Problem";
import { SearchField, useSearchText } from "../ui/SearchField";
import { useDebounced } from "../ui/useDebounced";
import { CustomerList } from "./CustomerList";
import { type CustomerSelection, customersQuery } from "./queries";

/** Searches and filters customers. The address holds the search, and in its fragment the filter. */
export function CustomersPage() {
  const linked = useLinkedDraft();
  return (
    <>
      <title>Customers · Customer segments</title>
      <h1>Customers</h1>
      {linked.error && <Problem error={linked.error} />}
      {!linked.isAwaited && <CustomerFinder linkedTree={linked.draft?.tree} />}
    </>
  );
}

function CustomerFinder({ linkedTree }: { linkedTree: GroupNode | undefined }) {
  const canWrite = useCanWrite();
  const { filter, fragment, change } = useLinkedFilter();
  const search = useSearchText();
  const selection = { search: useDebounced(search), filter };
  const query = useInfiniteQuery(customersQuery(selection));
  // A change of the search drops the fragment of the address.
  useEffect(() => {
    const { pathname, search: parametersText } = window.location;
    window.history.replaceState(null, "", pathname + parametersText + fragment);
  }, [fragment, search]);

  return (
    <>
      <search className="toolbar">
        <SearchField label="Name, email, phone or source id" />
        {canWrite && filter && fragment && (
          <Link className="button" href={routes.newSegment + fragment}>
            Save the filter as a segment
          </Link>
        )}
      </search>
      <FilterPanel linkedTree={linkedTree} error={query.error} onChange={change} />
      <CustomerList query={query} selection={selection} />
    </>
  );
}

/** The filter of the panel, and the fragment that holds it; empty without one, or with a long one. */
function useLinkedFilter() {
  const [filter, setFilter] = useState<CustomerSelection["filter"]>(null);
  const [fragment, setFragment] = useState("");
  const change = useCallback(async (next: CustomerSelection["filter"], tree: GroupNode) => {
    setFilter(next);
    setFragment((next && (await toFragment(createDraft(tree)))) || "");
  }, []);
  return { filter, fragment, change };
}
