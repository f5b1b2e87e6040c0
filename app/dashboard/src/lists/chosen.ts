import { splitIntoChunks } from "../api/chunks";
import type { Customer, CustomerSelection } from "../customers/queries";

export type ListFilter = NonNullable<CustomerSelection["filter"]>;

/** Everybody whom a filter selects when the list is created, except some. */
export interface ChosenGroup {
  id: string;
  filter: ListFilter;
  /** Those who were taken off the list after the group was added, by id. */
  excluded: ReadonlyMap<string, Customer>;
}

/** The customers of a new list: some by id, in the order in which they were added, and groups. */
export interface Chosen {
  customers: ReadonlyMap<string, Customer>;
  groups: readonly ChosenGroup[];
}

export type ChosenEdit =
  | { type: "add"; customers: readonly Customer[] }
  | { type: "remove"; customers: readonly Customer[] }
  | { type: "addGroup"; filter: ListFilter }
  | { type: "removeGroup"; id: string }
  | { type: "clear" };

/** Selects all customers: the API takes no filter without a condition. */
export const EVERYBODY: ListFilter = { attribute: { path: "sourceId", operator: "HAS_VALUE" } };

// The most values that one condition of the API takes.
const MAX_VALUES_PER_CONDITION = 10_000;

export const NOBODY: Chosen = { customers: new Map(), groups: [] };

export const toChosen = (customers: readonly Customer[]): Chosen => ({
  customers: new Map(customers.map((customer) => [customer.id, customer])),
  groups: [],
});

export const isNobody = ({ customers, groups }: Chosen) =>
  customers.size === 0 && groups.length === 0;

export function editChosen(chosen: Chosen, edit: ChosenEdit): Chosen {
  const { customers, groups } = chosen;
  switch (edit.type) {
    case "add":
      return { customers: withCustomers(customers, edit.customers), groups };
    case "remove":
      return {
        customers: withoutCustomers(customers, edit.customers),
        groups: groups.map((group) => ({
          ...group,
          excluded: withCustomers(group.excluded, edit.customers),
        })),
      };
    case "addGroup":
      return addGroup(chosen, createGroup(edit.filter));
    case "removeGroup":
      return { customers, groups: groups.filter(({ id }) => id !== edit.id) };
    case "clear":
      return NOBODY;
  }
}

export const createGroup = (
  filter: ListFilter,
  excluded: readonly Customer[] = [],
): ChosenGroup => ({
  id: JSON.stringify(filter),
  filter,
  excluded: toChosen(excluded).customers,
});

/** Returns the filter that selects exactly the customers of the list. */
export function toFilter({ customers, groups }: Chosen): ListFilter {
  const branches = [...groups.map(toGroupFilter), ...toConditions([...customers.values()])];
  const [first] = branches;
  return first && branches.length === 1 ? first : { any: branches };
}

/** Returns conditions that select exactly these customers. */
export function toConditions(customers: readonly Customer[]): ListFilter[] {
  const sourceIds = customers.map(({ sourceId }) => sourceId);
  return splitIntoChunks(sourceIds, MAX_VALUES_PER_CONDITION).map((value) => ({
    attribute: { path: "sourceId", operator: "IN", value },
  }));
}

/** Returns the filter that selects the members of the group. */
export function toGroupFilter({ filter, excluded }: ChosenGroup): ListFilter {
  if (excluded.size === 0) return filter;
  return { all: [filter, { none: toConditions([...excluded.values()]) }] };
}

/** Replaces the group with the same filter, if there is one. */
function addGroup({ customers, groups }: Chosen, group: ChosenGroup): Chosen {
  return { customers, groups: [...groups.filter(({ id }) => id !== group.id), group] };
}

function withCustomers(customers: Chosen["customers"], added: readonly Customer[]) {
  const next = new Map(customers);
  for (const customer of added) next.set(customer.id, customer);
  return next;
}

function withoutCustomers(customers: Chosen["customers"], removed: readonly Customer[]) {
  const next = new Map(customers);
  for (const { id } of removed) next.delete(id);
  return next;
}
