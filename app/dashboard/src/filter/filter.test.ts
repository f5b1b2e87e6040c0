import { expect, test } from "vitest";
import { applyEdit } from "./edit";
import { createAttribute, createGroup, toTree } from "./node";
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

  const { findNode, unfinishedCount } = toSentFilter(edited, operands);

  expect(unfinishedCount).toBe(1);
  expect(findNode(["filter", "all", "1"])).toBe(wrong?.id);
  expect(findNode(["filter", "all", "0", "attribute", "value"])).toBe(tree.children[0]?.id);
  expect(findNode(["input", "name"])).toBeUndefined();
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
