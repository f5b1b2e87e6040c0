import { createObservable } from "../api/observable";

/** A choice that this browser keeps; null, the default, is not stored. */
export function createPreference<Value extends string>(name: string, values: readonly Value[]) {
  const stored = localStorage.getItem(name);
  const preference = createObservable(values.find((value) => value === stored) ?? null);
  return {
    ...preference,
    set(value: Value | null) {
      if (value) localStorage.setItem(name, value);
      else localStorage.removeItem(name);
      preference.set(value);
    },
  };
}
