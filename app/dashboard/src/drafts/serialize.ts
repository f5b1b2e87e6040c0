import { type FilterNode, type GroupNode, toTree } from "../filter/node";
import type { Filter } from "../filter/types";
import type { Draft } from "./history";

type Json = Record<string, unknown>;

/** A draft as JSON. Its filter may have unfinished conditions. */
export interface DraftJson {
  name: string;
  description: string;
  filter: unknown;
}

export const toDraftJson = ({ name, description, tree }: Draft): DraftJson => ({
  name,
  description,
  filter: toJson(tree),
});

/** Returns the draft; null if the JSON is none. */
export function readDraftJson(json: unknown): Draft | null {
  if (!isObject(json)) return null;
  const { name, description, filter } = json;
  const tree = readFilterJson(filter);
  return (
    tree && {
      name: typeof name === "string" ? name : "",
      description: typeof description === "string" ? description : "",
      tree,
    }
  );
}

/** Returns the filter as a tree, finished or not; null if the JSON is none. */
export const readFilterJson = (json: unknown): GroupNode | null =>
  isFilter(json) ? toTree(json as Filter) : null;

function toJson(node: FilterNode): Json {
  switch (node.kind) {
    case "group":
      return groupToJson(node);
    case "attribute":
      return { attribute: node.condition };
    case "event":
      return {
        event: {
          ...node.condition,
          // An event without a value would get the default one.
          value: node.condition.value ?? null,
          where: node.where.map(({ condition }) => condition),
        },
      };
    case "segment":
      return { segment: { id: node.segmentId, member: node.isMember } };
  }
}

const groupToJson = ({ junction, children }: GroupNode): Json => ({
  [junction]: children.map(toJson),
});

/** Whether the editor can show the value as a filter, finished or not. */
function isFilter(value: unknown): boolean {
  if (!isOneOf(value)) return false;
  const { all, any, none, attribute, event, segment } = value;
  const children = all ?? any ?? none;
  if (children !== undefined) return Array.isArray(children) && children.every(isFilter);
  if (attribute !== undefined) return isAttribute(attribute);
  if (event !== undefined) return isEvent(event);
  return isObject(segment) && isOptionalText(segment.id);
}

const isAttribute = (value: unknown) =>
  isObject(value) && isOptionalText(value.path) && isOptionalText(value.operator);

function isEvent(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { name, operator, where = [], within, aggregate } = value;
  return (
    isOptionalText(name) &&
    isOptionalText(operator) &&
    Array.isArray(where) &&
    where.every(isAttribute) &&
    (within === undefined || isWindow(within)) &&
    (aggregate === undefined || isObject(aggregate))
  );
}

function isWindow(value: unknown): boolean {
  if (!isOneOf(value)) return false;
  const { last, ago, between } = value;
  return typeof last === "string" || isSpan(ago ?? between);
}

const isSpan = (value: unknown) =>
  isObject(value) && typeof value.from === "string" && typeof value.to === "string";

/** Whether the value has one field, which says what it is. */
const isOneOf = (value: unknown): value is Json =>
  isObject(value) && Object.keys(value).length === 1;

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isOptionalText = (value: unknown) => value === undefined || typeof value === "string";
