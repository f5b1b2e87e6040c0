import type { AttributeCondition, EventCondition, Filter } from "./types";

export const JUNCTIONS = ["all", "any", "none"] as const;
export type Junction = (typeof JUNCTIONS)[number];

/** What the page calls the junctions. */
export const JUNCTION_NAMES: Record<Junction, string> = {
  all: "All of these",
  any: "Any of these",
  none: "None of these",
};

/**
 * A part of a filter in the editor. It has an id that no edit changes, and its fields may be
 * missing as long as the user has not filled them in.
 */
export type FilterNode = GroupNode | AttributeNode | EventNode | SegmentNode;

export interface GroupNode {
  id: string;
  kind: "group";
  junction: Junction;
  children: FilterNode[];
}

export interface AttributeNode {
  id: string;
  kind: "attribute";
  condition: Partial<AttributeCondition>;
}

export interface EventNode {
  id: string;
  kind: "event";
  condition: Partial<Omit<EventCondition, "where">>;
  where: AttributeNode[];
}

export interface SegmentNode {
  id: string;
  kind: "segment";
  segmentId: string | undefined;
  isMember: boolean;
}

let lastId = 0;

const createId = () => `node-${++lastId}`;

export const createGroup = (junction: Junction, children: FilterNode[] = []): GroupNode => ({
  id: createId(),
  kind: "group",
  junction,
  children,
});

export const createAttribute = (condition: Partial<AttributeCondition> = {}): AttributeNode => ({
  id: createId(),
  kind: "attribute",
  condition,
});

/** An event condition. Without a comparison it holds if the event happened, as in the API. */
export const createEvent = ({
  where = [],
  operator = "GREATER_THAN_OR_EQUAL",
  value = 1,
  ...condition
}: Partial<EventCondition> = {}): EventNode => ({
  id: createId(),
  kind: "event",
  condition: { ...condition, operator, value },
  where: where.map(createAttribute),
});

export const createSegment = (segmentId?: string, isMember = true): SegmentNode => ({
  id: createId(),
  kind: "segment",
  segmentId,
  isMember,
});

/** Returns a copy of the part, with ids of its own. */
export function copyNode<Node extends FilterNode>(node: Node): Node {
  const id = createId();
  if (node.kind === "group") return { ...node, id, children: node.children.map(copyNode) };
  if (node.kind === "event") return { ...node, id, where: node.where.map(copyNode) };
  return { ...node, id };
}

/** Returns the filter as a tree for the editor, whose root is a group. */
export function toTree(filter: Filter): GroupNode {
  const node = toNode(filter);
  return node.kind === "group" ? node : createGroup("all", [node]);
}

function toNode(filter: Filter): FilterNode {
  if ("attribute" in filter) return createAttribute(filter.attribute);
  if ("event" in filter) return createEvent(filter.event);
  if ("segment" in filter) return createSegment(filter.segment.id, filter.segment.member ?? true);
  if ("all" in filter) return createGroup("all", filter.all.map(toNode));
  if ("any" in filter) return createGroup("any", filter.any.map(toNode));
  return createGroup("none", filter.none.map(toNode));
}
