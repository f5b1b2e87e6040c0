import { useQueries } from "@tanstack/react-query";
import type { Customer } from "../customers/queries";
import type { Chosen, ListFilter } from "./chosen";
import { groupMembersQuery } from "./queries";

/**
 * Returns the ids of the shown customers who are in the list. `shownFilter` is a filter that all of
 * them match; null if that is not known.
 */
export function useTicks(
  { customers, groups }: Chosen,
  pages: readonly (readonly Customer[])[],
  shownFilter: ListFilter | null,
): ReadonlySet<string> {
  const shownIds = pages.flatMap((page) => page.map(({ id }) => id));
  const questions = groups
    .filter(({ filter }) => filter !== shownFilter)
    .flatMap((group) => pages.map((page) => ({ group, page })));
  const answers = useQueries({
    queries: questions.map(({ group, page }) => groupMembersQuery(group.filter, page)),
  });
  const ticks = new Set(shownIds.filter((id) => customers.has(id)));
  const addMembers = (ids: readonly string[], excluded: ReadonlyMap<string, Customer>) => {
    for (const id of ids) if (!excluded.has(id)) ticks.add(id);
  };
  for (const { filter, excluded } of groups) {
    if (filter === shownFilter) addMembers(shownIds, excluded);
  }
  for (const [index, { group }] of questions.entries()) {
    addMembers(answers[index]?.data ?? [], group.excluded);
  }
  return ticks;
}
