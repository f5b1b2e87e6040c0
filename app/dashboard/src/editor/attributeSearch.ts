import type { Catalog } from "./catalog";

type Attribute = Catalog["attributes"][number];

/** An attribute, and the heading below which the picker lists it. */
export interface AttributeChoice {
  attribute: Attribute;
  heading: string;
}

const GROUP_NAMES = { PROFILE: "Profile", ACTIVITY: "Activity", METADATA: "Metadata" } as const;
const MAX_RECENT = 5;

// They are forgotten with the page: names of metadata may be confidential.
let recentPaths: readonly string[] = [];

/** Puts the path first among those that the picker offers first. */
export function rememberPath(path: string): void {
  recentPaths = [path, ...recentPaths.filter((other) => other !== path)].slice(0, MAX_RECENT);
}

/**
 * Returns the attributes whose label or path has each word of the text, by group; in a group those
 * first whose label begins with the text. Without a text, the recently chosen ones come before all.
 */
export function findAttributes(attributes: readonly Attribute[], text: string): AttributeChoice[] {
  const sought = text.trim().toLowerCase();
  const words = sought.split(/\s+/);
  const found = attributes.filter(({ label, path }) => {
    const searched = `${label} ${path}`.toLowerCase();
    return words.every((word) => searched.includes(word));
  });
  const isBeginning = ({ label }: Attribute) => label.toLowerCase().startsWith(sought);
  const bestFirst = found.toSorted((a, b) => Number(isBeginning(b)) - Number(isBeginning(a)));
  const byGroup = Object.entries(GROUP_NAMES).flatMap(([group, heading]) =>
    bestFirst
      .filter((attribute) => attribute.group === group)
      .map((attribute) => ({ attribute, heading })),
  );
  return sought ? byGroup : [...findRecent(attributes), ...byGroup];
}

function findRecent(attributes: readonly Attribute[]): AttributeChoice[] {
  return recentPaths.flatMap((path) => {
    const attribute = attributes.find((candidate) => candidate.path === path);
    return attribute ? [{ attribute, heading: "Recent" }] : [];
  });
}
