import { type Dispatch, useMemo, useState } from "react";
import { nameOf } from "../customers/nameOf";
import type { Customer } from "../customers/queries";
import { focusNeighbor } from "../ui/focusNeighbor";
import { formatNumber } from "../ui/formats";
import { useAnnouncement } from "../ui/Status";
import type { Chosen, ChosenEdit } from "./chosen";

const PAGE_SIZE = 50;

interface Props {
  customers: Chosen["customers"];
  edit: Dispatch<ChosenEdit>;
  /** Is called before the only button that could take the focus goes. */
  onLostFocus: () => void;
}

/** The single customers of a new list: searched, and page by page. */
export function ChosenTable({ customers, edit, onLostFocus }: Props) {
  const [search, setSearch] = useState("");
  const [pageIndex, setPageIndex] = useState(0);
  const found = useMemo(() => findCustomers(customers, search), [customers, search]);
  const lastIndex = Math.max(Math.ceil(found.length / PAGE_SIZE) - 1, 0);
  const shownIndex = Math.min(pageIndex, lastIndex);
  const start = shownIndex * PAGE_SIZE;
  const shown = found.slice(start, start + PAGE_SIZE);

  function remove(customer: Customer, row: Element | null) {
    focusNeighbor(row, onLostFocus);
    edit({ type: "remove", customers: [customer] });
  }
  if (customers.size === 0) return null;
  return (
    <>
      {customers.size > PAGE_SIZE && (
        <search>
          <label className="wide">
            Search in the list
            <input
              type="search"
              value={search}
              onChange={({ target }) => {
                setSearch(target.value);
                setPageIndex(0);
              }}
            />
          </label>
        </search>
      )}
      {found.length === 0 && <p>No customer of the list is found.</p>}
      <table>
        <tbody>
          {shown.map((customer) => (
            <ChosenRow key={customer.id} customer={customer} onRemove={remove} />
          ))}
        </tbody>
      </table>
      {found.length > PAGE_SIZE && (
        <Pages
          text={`${formatNumber(start + 1)} to ${formatNumber(start + shown.length)} of ${formatNumber(found.length)}`}
          index={shownIndex}
          lastIndex={lastIndex}
          onChange={setPageIndex}
        />
      )}
    </>
  );
}

interface RowProps {
  customer: Customer;
  onRemove: (customer: Customer, row: Element | null) => void;
}

function ChosenRow({ customer, onRemove }: RowProps) {
  return (
    <tr>
      <th scope="row">
        {nameOf(customer)}
        <p className="sentence">{[customer.sourceId, customer.email].filter(Boolean).join(", ")}</p>
      </th>
      <td className="number">
        <button
          type="button"
          aria-label={`Remove ${customer.sourceId}`}
          onClick={({ currentTarget }) => onRemove(customer, currentTarget.closest("tr"))}
        >
          Remove
        </button>
      </td>
    </tr>
  );
}

interface PagesProps {
  /** What is shown of how many. */
  text: string;
  index: number;
  lastIndex: number;
  onChange: (index: number) => void;
}

/** Buttons between pages. They stay where they can't do anything: a disabled one loses the focus. */
function Pages({ text, index, lastIndex, onChange }: PagesProps) {
  useAnnouncement(text);
  const go = (next: number) => onChange(Math.min(Math.max(next, 0), lastIndex));
  return (
    <nav aria-label="Pages of the list" className="toolbar">
      <button type="button" aria-disabled={index === 0} onClick={() => go(index - 1)}>
        Previous
      </button>
      <button type="button" aria-disabled={index === lastIndex} onClick={() => go(index + 1)}>
        Next
      </button>
      <span>{text}</span>
    </nav>
  );
}

function findCustomers(customers: Chosen["customers"], search: string): Customer[] {
  const sought = search.trim().toLowerCase();
  const all = [...customers.values()];
  if (!sought) return all;
  return all.filter(({ sourceId, name, email }) =>
    [sourceId, name, email].some((text) => text?.toLowerCase().includes(sought)),
  );
}
