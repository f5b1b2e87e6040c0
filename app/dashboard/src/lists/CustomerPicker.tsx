import { useInfiniteQuery } from "@tanstack/react-query";
import { type Dispatch, useId, useState } from "react";
import { type CustomerSelection, customersQuery } from "../customers/queries";
import { FilterPanel } from "../editor/FilterPanel";
import { PagedList } from "../ui/PagedList";
import { useDebounced } from "../ui/useDebounced";
import { AddAllButton } from "./AddAllButton";
import { CustomerTable } from "./CustomerTable";
import { type Chosen, type ChosenEdit, EVERYBODY } from "./chosen";
import { useTicks } from "./ticks";

interface Props {
  chosen: Chosen;
  edit: Dispatch<ChosenEdit>;
  limit: number;
}

/** Searches and filters customers. Their ticks, or a button for all of them, put them into the list. */
export function CustomerPicker({ chosen, edit, limit }: Props) {
  const [search, setSearch] = useState("");
  const [filter, setFilter] = useState<CustomerSelection["filter"]>(null);
  const heading = useId();
  const selection = { search: useDebounced(search), filter };
  const query = useInfiniteQuery(customersQuery(selection));
  const pages = query.data?.pages.map(({ nodes }) => nodes) ?? [];
  const customers = pages.flat();
  const ticks = useTicks(chosen, pages, query.isPlaceholderData ? null : (filter ?? EVERYBODY));
  return (
    <section aria-labelledby={heading}>
      <h2 id={heading}>Search and tick</h2>
      <search className="toolbar">
        <label>
          Name, email, phone or source id
          <input type="search" value={search} onChange={(event) => setSearch(event.target.value)} />
        </label>
      </search>
      <FilterPanel error={query.error} onChange={setFilter} />
      <PagedList
        query={query}
        isEmpty={customers.length === 0}
        waiting="Loading customers …"
        empty="No customer is found."
      >
        <AddAllButton
          key={JSON.stringify(selection)}
          selection={selection}
          edit={edit}
          limit={limit}
        />
        <CustomerTable customers={customers} ticks={ticks} edit={edit} />
      </PagedList>
    </section>
  );
}
