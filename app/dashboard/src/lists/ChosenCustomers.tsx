import { type Dispatch, useId, useRef, useState } from "react";
import { nameOf } from "../customers/nameOf";
import type { Customer } from "../customers/queries";
import { formatCount, formatNumber } from "../ui/formats";
import type { Chosen, ChosenEdit } from "./chosen";

const SHOWN_STEP = 50;

interface Props {
  chosen: Chosen;
  edit: Dispatch<ChosenEdit>;
  limit: number;
}

/** The customers who will be in the list. */
export function ChosenCustomers({ chosen, edit, limit }: Props) {
  const [shownCount, setShownCount] = useState(SHOWN_STEP);
  const heading = useRef<HTMLHeadingElement>(null);
  const headingId = useId();
  const shown = [...chosen.values()].slice(0, shownCount);
  const count = formatCount(chosen.size, "customer");

  function remove(id: string, row: Element | null | undefined) {
    // The button that has the focus is about to go.
    const neighbor = row?.nextElementSibling ?? row?.previousElementSibling;
    (neighbor?.querySelector("button") ?? heading.current)?.focus();
    edit({ type: "remove", ids: [id] });
  }

  return (
    <section className="chosen" aria-labelledby={headingId}>
      <h2 id={headingId} tabIndex={-1} ref={heading}>
        {count} in the list
      </h2>
      {chosen.size > limit && (
        <p className="field-problem" role="alert">
          {formatCount(chosen.size - limit, "customer")} too many: remove them, or use a filter.
        </p>
      )}
      {chosen.size === 0 ? (
        <p className="waiting">Paste, upload or tick customers to add them.</p>
      ) : (
        <>
          <table>
            <tbody>
              {shown.map((customer) => (
                <ChosenRow key={customer.id} customer={customer} onRemove={remove} />
              ))}
            </tbody>
          </table>
          <div className="toolbar">
            {chosen.size > shownCount && (
              <button type="button" onClick={() => setShownCount(shownCount + SHOWN_STEP)}>
                Show more of {formatNumber(chosen.size)}
              </button>
            )}
            <button
              type="button"
              onClick={() => {
                heading.current?.focus();
                edit({ type: "clear" });
              }}
            >
              Remove all
            </button>
          </div>
        </>
      )}
    </section>
  );
}

interface RowProps {
  customer: Customer;
  onRemove: (id: string, row: Element | null | undefined) => void;
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
          onClick={({ currentTarget }) => onRemove(customer.id, currentTarget.closest("tr"))}
        >
          Remove
        </button>
      </td>
    </tr>
  );
}
