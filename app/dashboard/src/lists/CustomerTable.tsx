import { type Dispatch, memo, useCallback, useEffect, useRef } from "react";
import type { Customer } from "../customers/queries";
import type { ChosenEdit } from "./chosen";

interface Props {
  customers: readonly Customer[];
  /** The ids of those who are in the list. */
  ticks: ReadonlySet<string>;
  edit: Dispatch<ChosenEdit>;
}

/** Customers with ticks. With Shift, a tick counts for all rows since the last one. */
export function CustomerTable({ customers, ticks, edit }: Props) {
  const shown = useRef(customers);
  const lastTicked = useRef(0);
  useEffect(() => {
    shown.current = customers;
  }, [customers]);
  // It stays the same function, so that a tick renders only the rows that it changes.
  const tickRow = useCallback(
    (index: number, isTicked: boolean, isRange: boolean) => {
      const other = isRange ? lastTicked.current : index;
      lastTicked.current = index;
      const [start, last] = [Math.min(index, other), Math.max(index, other)];
      edit(createEdit(shown.current.slice(start, last + 1), isTicked));
    },
    [edit],
  );
  return (
    <div className="table-box">
      <table>
        <thead>
          <tr>
            <td>
              <input
                type="checkbox"
                aria-label="All shown customers"
                checked={customers.every(({ id }) => ticks.has(id))}
                onChange={({ target }) => edit(createEdit(customers, target.checked))}
              />
            </td>
            <th scope="col">Name</th>
            <th scope="col">Source id</th>
            <th scope="col">Email</th>
          </tr>
        </thead>
        <tbody>
          {customers.map((customer, index) => (
            <CustomerRow
              key={customer.id}
              customer={customer}
              index={index}
              isTicked={ticks.has(customer.id)}
              onTick={tickRow}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface RowProps {
  customer: Customer;
  index: number;
  isTicked: boolean;
  onTick: (index: number, isTicked: boolean, isRange: boolean) => void;
}

const CustomerRow = memo(function CustomerRow({ customer, index, isTicked, onTick }: RowProps) {
  return (
    <tr>
      <td>
        <input
          type="checkbox"
          aria-label={customer.sourceId}
          checked={isTicked}
          onChange={({ target, nativeEvent }) =>
            onTick(index, target.checked, (nativeEvent as MouseEvent).shiftKey)
          }
        />
      </td>
      <th scope="row">{customer.name ?? "–"}</th>
      <td>{customer.sourceId}</td>
      <td>{customer.email ?? "–"}</td>
    </tr>
  );
});

function createEdit(ticked: readonly Customer[], isTicked: boolean): ChosenEdit {
  return { type: isTicked ? "add" : "remove", customers: ticked };
}
