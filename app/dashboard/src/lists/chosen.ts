import type { Customer } from "../customers/queries";

/** The customers of a new list by id, in the order in which they were added. */
export type Chosen = ReadonlyMap<string, Customer>;

export type ChosenEdit =
  | { type: "add"; customers: readonly Customer[] }
  | { type: "remove"; ids: readonly string[] }
  | { type: "clear" };

export function editChosen(chosen: Chosen, edit: ChosenEdit): Chosen {
  if (edit.type === "clear") return new Map();
  const next = new Map(chosen);
  if (edit.type === "add") for (const customer of edit.customers) next.set(customer.id, customer);
  else for (const id of edit.ids) next.delete(id);
  return next;
}

export const toChosen = (customers: readonly Customer[]): Chosen =>
  new Map(customers.map((customer) => [customer.id, customer]));
