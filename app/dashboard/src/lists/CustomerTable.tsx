import { type Dispatch, useRef } from "react";
import type { Customer } from "../customers/queries";
import type { Chosen, ChosenEdit } from "./chosen";

interface Props {
  customers: readonly Customer[];
  chosen: Chosen;
  edit: Dispatch<ChosenEdit>;
}

/** Customers with ticks. With Shift, a tick counts for all rows since the last one. */
export function CustomerTable({ customers, chosen, edit }: Props) {
  const lastTicked = useRef(0);

  function tick(ticked: readonly Customer[], isTicked: boolean) {
    if (isTicked) edit({ type: "add", customers: ticked });
    else edit({ type: "remove", ids: ticked.map(({ id }) => id) });
  }
  function tickRow(index: number, isTicked: boolean, isRange: boolean) {
    const other = isRange ? lastTicked.current : index;
    tick(customers.slice(Math.min(index, other), Math.max(index, other) + 1), isTicked);
    lastTicked.current = index;
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
          {customers.map((customer, index) => (
            <tr key={customer.id}>
              <td>
                <input
                  type="checkbox"
                  aria-label={customer.sourceId}
                  checked={chosen.has(customer.id)}
                  onChange={({ target, nativeEvent }) =>
                    tickRow(index, target.checked, (nativeEvent as MouseEvent).shiftKey)
                  }
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
