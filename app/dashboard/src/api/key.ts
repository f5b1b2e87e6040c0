import { browserStorage, tabStorage } from "./browserStorage";
import { createObservable } from "./observable";

const STORAGE_NAME = "segments:key";
const LINK_PREFIX = "#key=";

/** The key of the API that this browser presents; null without one. */
export function readKey(): string | null {
  return tabStorage.getItem(STORAGE_NAME) ?? browserStorage.getItem(STORAGE_NAME);
}

/** Stores the key for this tab, or on this computer until it is forgotten. */
export function storeKey(key: string, isKept: boolean): void {
  forgetKey();
  (isKept ? browserStorage : tabStorage).setItem(STORAGE_NAME, key);
}

export function forgetKey(): void {
  tabStorage.removeItem(STORAGE_NAME);
  browserStorage.removeItem(STORAGE_NAME);
}

/**
 * Returns the key in the fragment of the address, `#key=…`; null without one. It removes the key from
 * the address, so that neither the history nor a copied address has it.
 */
export function takeLinkedKey(): string | null {
  const { hash, pathname, search } = window.location;
  if (!hash.startsWith(LINK_PREFIX)) return null;
  window.history.replaceState(null, "", pathname + search);
  return hash.slice(LINK_PREFIX.length);
}

/**
 * Whether the API has refused a request without a valid key; the error, if it has refused the key
 * of the address.
 */
export const keyRequirement = createObservable<boolean | Error>(false);
