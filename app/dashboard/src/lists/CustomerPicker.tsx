import { useInfiniteQuery } from "@tanstack/react-query";
import { type Dispatch, useId, useState } from "react";
import { Problem } from "../ui/Problem";
import { ShowMore } from "../ui/ShowMore";
import { useDebounced } from "../ui/useDebounced";
import type { Chosen, ChosenEdit } from "./chosen";
import type { Customer } from "./lookup";
import { customersQuery } from "./queries";

const TYPING_PAUSE_MS = 250;

interface Props {
  chosen: Chosen;
  edit: Dispatch<ChosenEdit>;
}

/** Searches customers, whose ticks put them into the list. */
export function CustomerPicker({ chosen, edit }: Props) {
  const [search, setSearch] = useState("");
  const heading = useId();
  const query = useInfiniteQuery(customersQuery(useDebounced(search, TYPING_PAUSE_MS)));
  const customers = query.data?.pages.flatMap(({ nodes }) => nodes);
  return (
    <section aria-labelledby={heading}>
      <h2 id={heading}>Search and tick</h2>
      <search className="toolbar">
        <label>
          Name, email, phone or source id
          <input type="search" value={search} onChange={(event) => setSearch(event.target.value)} />
        </label>
      </search>
      {query.error && <Problem error={query.error} onRetry={() => query.refetch()} />}
      {!customers && !query.error && <p className="waiting">Loading customers …</p>}
      {customers?.length === 0 && <p>No customer is found.</p>}
      {customers && customers.length > 0 && (
        <div aria-busy={query.isPlaceholderData}>
          <CustomerTable customers={customers} chosen={chosen} edit={edit} />
        </div>
      )}
      <ShowMore query={query} />
    </section>
  );
}

function CustomerTable({ customers, chosen, edit }: Props & { customers: readonly Customer[] }) {
  function tick(ticked: readonly Customer[], isTicked: boolean) {
    if (isTicked) edit({ type: "add", customers: ticked });
    else edit({ type: "remove", ids: ticked.map(({ id }) => id) });
  }
  return (
    <div className="table-box">
      <table>
        <thead>
          <tr>
            <td>
              <input
                type="checkbox"
                aria-label="All shown customers"
                checked={customers.every(({ id }) => chosen.has(id))}
                onChange={(event) => tick(customers, event.target.checked)}
              />
            </td>
            <th scope="col">Name</th>
            <th scope="col">Source id</th>
            <th scope="col">Email</th>
          </tr>
        </thead>
        <tbody>
          {customers.map((customer) => (
            <tr key={customer.id}>
              <td>
                <input
                  type="checkbox"
                  aria-label={customer.sourceId}
                  checked={chosen.has(customer.id)}
                  onChange={(event) => tick([customer], event.target.checked)}
                />
              </td>
              <th scope="row">{customer.name ?? "–"}</th>
              <td>{customer.sourceId}</td>
              <td>{customer.email ?? "–"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
