import { browserStorage, readJson, writeJson } from "../api/browserStorage";

const NAME = "segments:export-presets";

/** Columns of an export under a name. */
export interface Preset {
  name: string;
  fields: string[];
}

/** Returns the presets that this browser keeps. */
export function readPresets(): Preset[] {
  const presets = readJson(browserStorage, NAME);
  return Array.isArray(presets) ? presets : [];
}

/** Keeps the presets. Throws an error if the storage of the browser has no room for them. */
export function keepPresets(presets: readonly Preset[]): void {
  if (!writeJson(browserStorage, NAME, presets)) {
    throw new Error("The browser has no room to keep the columns.");
  }
}

/** Forgets the presets: names of metadata may be confidential. */
export function forgetPresets(): void {
  browserStorage.removeItem(NAME);
}

/** Returns the presets with this one, in the order of their names. It replaces one of its name. */
export const withPreset = (presets: readonly Preset[], preset: Preset): Preset[] =>
  [...withoutPreset(presets, preset.name), preset].sort((a, b) => a.name.localeCompare(b.name));

export const withoutPreset = (presets: readonly Preset[], name: string): Preset[] =>
  presets.filter((preset) => preset.name !== name);
