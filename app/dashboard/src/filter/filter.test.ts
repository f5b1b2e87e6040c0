import { expect, test } from "vitest";
import { applyEdit } from "./edit";
import {
  copyNode,
  createAttribute,
  createEvent,
  createGroup,
  type FilterNode,
  toTree,
} from "./node";
import { type Operands, toSentFilter } from "./send";
import type { Filter } from "./types";

const operands: Operands = new Map([
  ["IS", "ONE_VALUE"],
  ["HAS_VALUE", "NOTHING"],
  ["IN", "LIST"],
  ["BETWEEN", "RANGE"],
  ["YEARS_AGO", "YEARS"],
  ["WITHIN_RADIUS", "CIRCLE"],
  ["GREATER_THAN_OR_EQUAL", "NUMBER"],
]);

const email: Filter = { attribute: { path: "email", operator: "IS", value: "a@b.c" } };
const phone: Filter = { attribute: { path: "phone", operator: "HAS_VALUE" } };

test.each<Filter>([
  { all: [email, phone] },
  { any: [{ none: [email] }, { segment: { id: "seg_1", member: false } }] },
  { all: [{ attribute: { path: "name", operator: "IN", value: ["a", "b"], ignoreCase: true } }] },
  {
    all: [
      { attribute: { path: "birthdate", operator: "YEARS_AGO", value: [18, null] } },
      {
        event: {
          name: "order",
          where: [{ path: "amount", operator: "BETWEEN", value: [1, 2] }],
          within: { ago: { from: "P9D", to: "P2D" } },
          aggregate: { function: "SUM", property: "amount" },
          operator: "GREATER_THAN_OR_EQUAL",
          value: 3,
        },
      },
    ],
  },
])("a filter is sent as it was read: %j", (filter) => {
  expect(toSentFilter(toTree(filter), operands)).toMatchObject({ filter, unfinishedCount: 0 });
});

test("a single condition gets a group", () => {
  expect(toSentFilter(toTree(email), operands).filter).toEqual({ all: [email] });
});

test.each([
  {},
  { path: "name" },
  { path: "name", operator: "IS" as const, value: "" },
  { path: "name", operator: "IN" as const, value: [] },
  { path: "name", operator: "BETWEEN" as const, value: [1, null] },
  { path: "name", operator: "YEARS_AGO" as const, value: [null, null] },
  { path: "name", operator: "WITHIN_RADIUS" as const, value: { lat: 1, lon: 2 } },
])("a condition without a whole value is left out: %j", (condition) => {
  const tree = createGroup("all", [createAttribute(condition)]);
  expect(toSentFilter(tree, operands)).toMatchObject({ filter: null, unfinishedCount: 1 });
});

test("an error of the API leads to its node, although unfinished ones before it are left out", () => {
  const tree = toTree({ all: [email, { any: [phone, email] }] });
  const wrong = tree.children[1];
  const edited = { ...tree, children: [createAttribute(), ...tree.children] };

  const { findPlace, unfinishedCount } = toSentFilter(edited, operands);

  expect(unfinishedCount).toBe(1);
  expect(findPlace(["filter", "all", "1"])).toEqual({ nodeId: wrong?.id });
  expect(findPlace(["filter", "all", "0", "attribute", "value"])).toEqual({
    nodeId: tree.children[0]?.id,
    field: "value",
  });
  expect(findPlace(["input", "name"])).toBeUndefined();
});

test("an error in a condition on an event leads to that condition", () => {
  const where = { path: "page", operator: "IS" as const, value: "home" };
  const tree = toTree({ all: [{ event: { name: "visit", where: [where, where] } }] });
  const [event] = tree.children;
  if (event?.kind !== "event") throw new Error("no event");
  const path = ["filter", "all", "0", "event"];

  const { findPlace } = toSentFilter(tree, operands);

  expect(findPlace([...path, "where", "1", "value"])).toEqual({
    nodeId: event.where[1]?.id,
    field: "value",
  });
  expect(findPlace([...path, "within", "ago", "from"])).toEqual({
    nodeId: event.id,
    field: "within",
  });
});

test("an edit changes one node and keeps the others", () => {
  const tree = toTree({ all: [email, { any: [phone, email] }, phone] });
  const [first, group, last] = tree.children;
  if (first?.kind !== "attribute" || group?.kind !== "group" || !last) throw new Error("no tree");

  const replaced = applyEdit(tree, { type: "replace", node: { ...first, condition: {} } });
  expect(replaced.children[0]).toEqual({ ...first, condition: {} });
  expect(replaced.children[1]).toBe(group);

  const added = applyEdit(tree, { type: "add", groupId: group.id, node: createAttribute() });
  expect(added.children.map((child) => child.kind === "group" && child.children.length)).toEqual([
    false,
    3,
    false,
  ]);

  const removed = applyEdit(tree, { type: "remove", id: group.children[0]?.id ?? "" });
  expect(removed.children[1]).toMatchObject({ children: [group.children[1]] });

  const moved = applyEdit(tree, { type: "move", id: last.id, by: -1 });
  expect(moved.children).toEqual([first, last, group]);
  expect(applyEdit(tree, { type: "move", id: last.id, by: 1 })).toBe(tree);
});

/** The tree as text: conditions by their paths, groups in brackets. */
function show(node: FilterNode): string {
  if (node.kind === "group") return `${node.junction}(${node.children.map(show).join(" ")})`;
  return node.kind === "attribute" ? (node.condition.path ?? "?") : node.kind;
}

const a: Filter = { attribute: { path: "a", operator: "HAS_VALUE" } };
const b: Filter = { attribute: { path: "b", operator: "HAS_VALUE" } };

test("a part moves into the group above it, or into a new one, and out again", () => {
  const tree = toTree({ all: [a, b] });
  const [first, second] = tree.children.map(({ id }) => id);
  if (!first || !second) throw new Error("no tree");

  const wrapped = applyEdit(tree, { type: "moveIn", id: first });
  expect(show(wrapped)).toBe("all(all(a) b)");
  const joined = applyEdit(wrapped, { type: "moveIn", id: second });
  expect(show(joined)).toBe("all(all(a b))");
  const left = applyEdit(joined, { type: "moveOut", id: first });
  expect(show(left)).toBe("all(all(b) a)");
  expect(show(applyEdit(left, { type: "moveOut", id: second }))).toBe("all(b a)");
  expect(applyEdit(tree, { type: "moveOut", id: first })).toBe(tree);
});

test("a copy of a part has ids of its own", () => {
  const tree = toTree({ all: [{ any: [a, { event: { name: "visit", where: [] } }] }, b] });
  const [group] = tree.children;
  if (!group) throw new Error("no tree");

  const node = copyNode(group);
  const copied = applyEdit(tree, { type: "insertAfter", id: group.id, node });

  expect(show(copied)).toBe("all(any(a event) any(a event) b)");
  const ids = JSON.stringify(copied).match(/node-\d+/g) ?? [];
  expect(new Set(ids).size).toBe(ids.length);
});

test.each([
  { last: "" },
  { between: { from: "2026-01-01T00:00:00Z", to: "" } },
  { ago: { from: "", to: "P2D" } },
])("an event condition without a whole window is left out: %j", (within) => {
  const tree = createGroup("all", [createEvent({ name: "visit", within })]);
  expect(toSentFilter(tree, operands)).toMatchObject({ filter: null, unfinishedCount: 1 });
});
