import type { Catalog } from "../editor/catalog";
import type { Row } from "../lists/entries";
import { detectType, type ValueType } from "./values";

/** A field of customers, which a column of the file can fill in. */
export interface Field {
  path: string;
  label: string;
  type: ValueType;
}

/** The paths of the fields by the indexes of the columns that fill them in. */
export type Mapping = ReadonlyMap<number, string>;

/** A column that is imported. */
export interface MappedColumn {
  index: number;
  path: string;
  type: ValueType;
}

export const KEY_PATH = "sourceId";
const METADATA_PATH = /^metadata\.[^.$][^.]*$/;
const READ_ONLY_PATHS = ["createdAt", "updatedAt"];
const TYPES: readonly string[] = ["STRING", "NUMBER", "BOOLEAN", "DATE", "DATETIME"];

/** Returns the fields of customers that one column can fill in. */
export function listFields(attributes: Catalog["attributes"]): Field[] {
  const writable = attributes.filter(
    ({ path, group, type, isArray }) =>
      !isArray &&
      TYPES.includes(type) &&
      !READ_ONLY_PATHS.includes(path) &&
      (group === "PROFILE" || METADATA_PATH.test(path)),
  );
  return writable.map(({ path, label, type }) => ({ path, label, type: type as ValueType }));
}

/** Returns the path of the metadata key that a column can add; null if there is one, or can't be. */
export function toNewPath(heading: string, attributes: Catalog["attributes"]): string | null {
  const path = METADATA_PATH.test(heading) ? heading : `metadata.${heading}`;
  const isKnown = attributes.some((attribute) => attribute.path === path);
  return METADATA_PATH.test(path) && !isKnown ? path : null;
}

/** Maps the columns whose headings are paths. All else would be a guess. */
export function mapByHeading(
  headings: readonly string[],
  fields: readonly Field[],
  newPaths: readonly (string | null)[],
): Mapping {
  const paths = [...fields.map(({ path }) => path), ...newPaths];
  return new Map(
    [...headings.entries()].filter(
      ([index, heading]) => paths.includes(heading) && headings.indexOf(heading) === index,
    ),
  );
}

/** Returns the mapped columns. The values decide the type of a new metadata key. */
export function readColumns(
  rows: readonly Row[],
  mapping: Mapping,
  fields: readonly Field[],
): MappedColumn[] {
  return [...mapping].map(([index, path]) => {
    const texts = () => rows.map(({ cells }) => cells[index] ?? "").filter(Boolean);
    const type = fields.find((field) => field.path === path)?.type ?? detectType(texts());
    return { index, path, type };
  });
}

/** Says what keeps the columns from being imported; null if nothing does. */
export function findMappingProblem(mapping: Mapping): string | null {
  const paths = [...mapping.values()];
  if (!paths.includes(KEY_PATH)) return "Choose the column that has the source id of the customer.";
  const repeated = paths.find((path, index) => paths.indexOf(path) !== index);
  return repeated ? `Two columns become ${repeated}. Leave one of them out.` : null;
}
