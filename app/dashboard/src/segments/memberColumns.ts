import { browserStorage, readJson, writeJson } from "../api/browserStorage";
import { describeValue } from "../explanations/explanation";
import { formatInstant } from "../ui/formats";
import type { Member } from "./memberQueries";

/** A column of the members besides their names. */
export interface MemberColumn {
  /** The path of the field in the API. */
  path: string;
  name: string;
  /** Returns the text of a cell; null or an empty one if there is none. */
  read: (member: Member) => string | null;
}

const STORAGE_NAME = "segments:member-columns";
const METADATA_PREFIX = "metadata.";
const DEFAULT_PATHS = ["sourceId", "email", "enteredAt"];

type Details = Extract<Member["customer"], { metadata: unknown }>;

const createColumn = (
  path: string,
  name: string,
  read: (details: Details) => string | null,
): MemberColumn => ({
  path,
  name,
  // Details that were not asked for are still being read.
  read: ({ customer }) => ("metadata" in customer ? read(customer) : null),
});

const PROFILE_COLUMNS: readonly MemberColumn[] = [
  { path: "sourceId", name: "Source id", read: ({ customer }) => customer.sourceId },
  { path: "email", name: "Email", read: ({ customer }) => customer.email },
  createColumn("phone", "Phone", ({ phone }) => phone),
  createColumn("birthdate", "Birthdate", ({ birthdate }) => birthdate),
  createColumn("source", "Source", ({ source }) => source),
  createColumn("createdAt", "Created", ({ createdAt }) => formatInstant(createdAt)),
  createColumn("updatedAt", "Changed", ({ updatedAt }) => formatInstant(updatedAt)),
];

const ENTERED_COLUMN: MemberColumn = {
  path: "enteredAt",
  name: "Entered",
  read: ({ enteredAt }) => (enteredAt ? formatInstant(enteredAt) : "before it was active"),
};

export const isMetadata = (path: string) => path.startsWith(METADATA_PREFIX);

/** Whether the column shows more of a customer than the usual ones. */
export const isDetail = (path: string) => !DEFAULT_PATHS.includes(path);

/** Returns all columns, given the paths and the labels that the API knows. */
export function listColumns(
  fields: readonly { path: string; label: string }[],
  hasEntered: boolean,
): MemberColumn[] {
  const metadata = fields.filter(({ path }) => isMetadata(path)).map(createMetadataColumn);
  return [...PROFILE_COLUMNS, ...(hasEntered ? [ENTERED_COLUMN] : []), ...metadata];
}

function createMetadataColumn({ path, label }: { path: string; label: string }): MemberColumn {
  return createColumn(path, label, ({ metadata }) => {
    const value = readPath(metadata, path.slice(METADATA_PREFIX.length));
    return value === null || value === undefined ? null : describeValue(value);
  });
}

/** Returns a value of a JSON object. A dot in the path may be a part of a key. */
function readPath(value: unknown, path: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  if (Object.hasOwn(value, path)) return (value as Record<string, unknown>)[path];
  const [key = "", ...rest] = path.split(".");
  if (rest.length === 0 || !Object.hasOwn(value, key)) return undefined;
  return readPath((value as Record<string, unknown>)[key], rest.join("."));
}

/** Returns the paths of the chosen columns, which this browser keeps. */
export function readChosenPaths(): readonly string[] {
  const paths = readJson(browserStorage, STORAGE_NAME);
  return Array.isArray(paths) ? paths.filter((path) => typeof path === "string") : DEFAULT_PATHS;
}

/** Keeps the paths. Without room in the storage, the choice lasts until the page is left. */
export function keepChosenPaths(paths: readonly string[]): void {
  writeJson(browserStorage, STORAGE_NAME, paths);
}

/** Forgets the chosen columns: names of metadata may be confidential. */
export function forgetChosenPaths(): void {
  browserStorage.removeItem(STORAGE_NAME);
}
