import { useSyncExternalStore } from "react";
import { type Theme, theme } from "../ui/theme";

const NAMES: readonly [Theme | "", string][] = [
  ["", "As the system"],
  ["light", "Light"],
  ["dark", "Dark"],
];

/** Chooses light or dark colours for this browser, whatever the system has. */
export function ThemeSelect() {
  const chosen = useSyncExternalStore(theme.subscribe, theme.get);
  return (
    <label>
      Colours
      <select
        value={chosen ?? ""}
        onChange={({ target }) => theme.set((target.value || null) as Theme | null)}
      >
        {NAMES.map(([value, name]) => (
          <option key={value} value={value}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
