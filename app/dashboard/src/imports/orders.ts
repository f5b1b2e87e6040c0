import type { Row } from "../lists/entries";

// What shops call the id and the amount of an order, and the paths of `segments import orders`.
const ORDER_HEADING =
  /^(order[ _]?(id|number|total)( amount)?|lineitem .+|items\..+|customer\.(id|sourceId|email))$/i;
// An amount of an order, or of all orders of a customer.
const AMOUNT_HEADING = /^(total|amount)$/i;
const CUSTOMER_HEADING = /^(e-?mail|customer[ _]?(id|email)|sourceId)$/i;

/** Whether the rows seem to be orders: by their headings, or as a customer has several amounts. */
export function areOrders(headings: readonly string[], rows: readonly Row[]): boolean {
  if (headings.some((heading) => ORDER_HEADING.test(heading))) return true;
  if (!headings.some((heading) => AMOUNT_HEADING.test(heading))) return false;
  return [...headings.entries()].some(
    ([index, heading]) => CUSTOMER_HEADING.test(heading) && isRepeated(rows, index),
  );
}

function isRepeated(rows: readonly Row[], index: number): boolean {
  const texts = rows.map(({ cells }) => cells[index]).filter(Boolean);
  return new Set(texts).size < texts.length;
}
