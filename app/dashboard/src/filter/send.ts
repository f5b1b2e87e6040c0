import type { AttributeNode, EventNode, FilterNode, GroupNode } from "./node";
import { isComplete, isWindowComplete } from "./operands";
import type { AttributeCondition, EventCondition, Filter, OperandKind, Operator } from "./types";

export type Operands = ReadonlyMap<Operator, OperandKind>;

export interface SentFilter {
  /** Null if no condition is finished. */
  filter: Filter | null;
  /** The number of conditions that are left out because they are not finished. */
  unfinishedCount: number;
  /** Returns where an error of the API points, by the path of the error. */
  findPlace: (path: readonly string[]) => FilterPlace | undefined;
}

/** A place in the tree. */
export interface FilterPlace {
  nodeId: string;
  /** The field of the node's condition in the API, like `value`. */
  field: string | undefined;
}

/** Returns what the API takes for the tree: its finished conditions. */
export function toSentFilter(root: GroupNode, operands: Operands): SentFilter {
  const nodeIds = new Map<string, string>();
  let unfinishedCount = 0;

  function convert(node: FilterNode, path: string): Filter | null {
    nodeIds.set(path, node.id);
    if (node.kind === "group") return convertGroup(node, path);
    nodeIds.set(`${path}.${node.kind}`, node.id);
    if (node.kind === "event") {
      for (const [index, { id }] of node.where.entries()) {
        nodeIds.set(`${path}.event.where.${index}`, id);
      }
    }
    const condition = convertCondition(node, operands);
    if (!condition) unfinishedCount += 1;
    return condition;
  }

  function convertGroup({ junction, children }: GroupNode, path: string): Filter | null {
    const converted: Filter[] = [];
    for (const child of children) {
      // An unfinished child leaves its place, and its entry in the map, to the next one.
      const filter = convert(child, `${path}.${junction}.${converted.length}`);
      if (filter) converted.push(filter);
    }
    if (converted.length === 0) return null;
    return { [junction]: converted } as Filter;
  }

  const filter = convert(root, "filter");
  const findPlace = (path: readonly string[]) => {
    for (let length = path.length; length > 0; length -= 1) {
      const nodeId = nodeIds.get(path.slice(0, length).join("."));
      if (nodeId) return { nodeId, field: path[length] };
    }
    return undefined;
  };
  return { filter, unfinishedCount, findPlace };
}

function convertCondition(node: Exclude<FilterNode, GroupNode>, operands: Operands): Filter | null {
  switch (node.kind) {
    case "attribute": {
      const attribute = convertAttribute(node, operands);
      return attribute && { attribute };
    }
    case "event": {
      const event = convertEvent(node, operands);
      return event && { event };
    }
    case "segment":
      return node.segmentId ? { segment: { id: node.segmentId, member: node.isMember } } : null;
  }
}

function convertAttribute(
  { condition }: AttributeNode,
  operands: Operands,
): AttributeCondition | null {
  const { path, operator, value } = condition;
  if (!path || !operator || !isComplete(operands.get(operator), value)) return null;
  return { ...condition, path, operator };
}

function convertEvent({ condition, where }: EventNode, operands: Operands): EventCondition | null {
  const { name, operator, value, aggregate, within } = condition;
  const conditions = where.map((node) => convertAttribute(node, operands));
  if (!name || !operator || !isComplete(operands.get(operator), value)) return null;
  if (aggregate && !aggregate.property) return null;
  if (within && !isWindowComplete(within)) return null;
  if (conditions.includes(null)) return null;
  return { ...condition, name, operator, value, where: conditions as AttributeCondition[] };
}
