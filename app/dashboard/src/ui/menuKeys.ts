/**
 * Returns the index of the item of a menu to which a key moves the focus: an arrow, Home, End, or the
 * first letter of the item. Undefined if the key moves nothing.
 */
export function findNextItem(
  key: string,
  current: number,
  names: readonly string[],
): number | undefined {
  const indexesAfter = names.map((_, offset) => (current + 1 + offset) % names.length);
  switch (key) {
    case "ArrowDown":
      return indexesAfter[0];
    case "ArrowUp":
      return indexesAfter.at(-2);
    case "Home":
      return 0;
    case "End":
      return names.length - 1;
  }
  const begins = (name = "") => name.toLowerCase().startsWith(key.toLowerCase());
  return indexesAfter.find((index) => begins(names[index]));
}
