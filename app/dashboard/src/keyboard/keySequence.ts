const MAX_PAUSE_MS = 1_500;
const PREFIX = "g";

/** Returns a function that takes each typed key, and returns it with the prefix before it. */
export function createKeySequence() {
  let prefixAt = Number.NEGATIVE_INFINITY;
  return (key: string, atMs: number): string => {
    const isPrefixed = atMs - prefixAt <= MAX_PAUSE_MS;
    prefixAt = key === PREFIX && !isPrefixed ? atMs : Number.NEGATIVE_INFINITY;
    return isPrefixed ? `${PREFIX} ${key}` : key;
  };
}
