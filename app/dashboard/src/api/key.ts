import { browserStorage, tabStorage } from "./browserStorage";
import { createObservable } from "./observable";

const STORAGE_NAME = "segments:key";

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

/** Whether the API has refused a request without a valid key. */
export const keyRequirement = createObservable(false);
