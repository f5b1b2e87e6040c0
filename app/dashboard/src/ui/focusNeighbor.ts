/**
 * Focuses the last button of the next item of a list, or else of the previous one, because the item
 * is about to go with the button that has the focus. Calls `onNone` if there is no such button.
 */
export function focusNeighbor(item: Element | null, onNone: () => void): void {
  const neighbor = item?.nextElementSibling ?? item?.previousElementSibling;
  const button = neighbor?.querySelector<HTMLButtonElement>("button:last-of-type");
  if (button) button.focus();
  else onNone();
}
