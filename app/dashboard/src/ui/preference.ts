import { browserStorage } from "../api/browserStorage";
import { createObservable } from "../api/observable";

/** A choice that this browser keeps; null, the default, is not stored. */
export function createPreference<Value extends string>(name: string, values: readonly Value[]) {
  const stored = browserStorage.getItem(name);
  const preference = createObservable(values.find((value) => value === stored) ?? null);
  return {
    ...preference,
    set(value: Value | null) {
      preference.set(value);
      try {
        if (value) browserStorage.setItem(name, value);
        else browserStorage.removeItem(name);
      } catch {
        // Without room in the storage, the choice lasts until the page is left.
      }
    },
  };
}
