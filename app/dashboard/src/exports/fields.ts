import type { ExportField } from "./queries";

const GROUP_NAMES = { PROFILE: "Profile", ACTIVITY: "Activity", METADATA: "Metadata" } as const;

/** The columns of an export for which none are chosen. */
export const DEFAULT_COLUMNS = "Source id, Name, Email";

export interface FieldGroup {
  name: string;
  fields: ExportField[];
}

/** Returns the fields by group whose label or path has each word of the text, without chosen ones. */
export function findFields(
  fields: readonly ExportField[],
  text: string,
  chosen: readonly string[],
): FieldGroup[] {
  const words = text.trim().toLowerCase().split(/\s+/);
  const found = fields.filter(({ path, label }) => {
    const searched = `${label} ${path}`.toLowerCase();
    return !chosen.includes(path) && words.every((word) => searched.includes(word));
  });
  return Object.entries(GROUP_NAMES)
    .map(([group, name]) => ({ name, fields: found.filter((field) => field.group === group) }))
    .filter((group) => group.fields.length > 0);
}

/** Returns the paths with one of them a place earlier (-1) or later (1). */
export function movePath(paths: readonly string[], path: string, step: -1 | 1): string[] {
  const index = paths.indexOf(path);
  const target = index + step;
  const other = paths[target];
  if (index < 0 || other === undefined) return [...paths];
  return paths.with(index, other).with(target, path);
}
