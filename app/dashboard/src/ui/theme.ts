import { createPreference } from "./preference";

const THEMES = ["light", "dark"] as const;

export type Theme = (typeof THEMES)[number];

/** The chosen colours; null for those of the system. */
export const theme = createPreference("segments:theme", THEMES);

/** Lets the style sheets follow the chosen colours: now, and whenever others are chosen. */
export function applyTheme(): void {
  const apply = () => {
    document.documentElement.dataset.theme = theme.get() ?? "system";
  };
  theme.subscribe(apply);
  apply();
}
