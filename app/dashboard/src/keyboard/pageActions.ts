const SEARCH_FIELD = "main input[type=search]";
const ROW_LINKS = "main tbody th > a:first-child";

/** Moves the focus into the search of the page. Returns false if it has none. */
export function focusSearch(): boolean {
  const field = document.querySelector<HTMLElement>(SEARCH_FIELD);
  field?.focus();
  return field !== null;
}

/** Moves the focus to the next row, or the one before. Returns false if the page has no rows. */
export function focusRow(step: 1 | -1): boolean {
  const links = [...document.querySelectorAll<HTMLElement>(ROW_LINKS)];
  const current = links.findIndex((link) => link.closest("tr")?.contains(document.activeElement));
  const next = current < 0 ? 0 : Math.min(Math.max(current + step, 0), links.length - 1);
  links[next]?.focus();
  return links.length > 0;
}
