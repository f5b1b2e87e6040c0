import { expect, test } from "vitest";
import { findFields, movePath } from "./fields";
import { withPreset } from "./presets";
import type { ExportField } from "./queries";

const FIELDS: ExportField[] = [
  { path: "address.city", label: "City", group: "PROFILE" },
  { path: "orders.totalCount", label: "Number of orders", group: "ACTIVITY" },
  { path: "metadata.city", label: "metadata.city", group: "METADATA" },
];

const find = (text: string, ...chosen: string[]) =>
  findFields(FIELDS, text, chosen).map(({ name, fields }) => [name, ...fields.map((f) => f.path)]);

test("fields are found by the words of their label and path, in their groups", () => {
  expect(find(" CITY ")).toEqual([
    ["Profile", "address.city"],
    ["Metadata", "metadata.city"],
  ]);
  expect(find("orders of")).toEqual([["Activity", "orders.totalCount"]]);
  expect(find("nothing")).toEqual([]);
});

test("chosen fields are not available", () => {
  expect(find("city", "address.city")).toEqual([["Metadata", "metadata.city"]]);
});

test("a path moves by one place, and no further than the ends", () => {
  expect(movePath(["a", "b", "c"], "c", -1)).toEqual(["a", "c", "b"]);
  expect(movePath(["a", "b", "c"], "a", 1)).toEqual(["b", "a", "c"]);
  expect(movePath(["a", "b"], "a", -1)).toEqual(["a", "b"]);
  expect(movePath(["a", "b"], "b", 1)).toEqual(["a", "b"]);
});

test("a preset replaces the one of its name", () => {
  const presets = withPreset([{ name: "Post", fields: ["name"] }], { name: "Mail", fields: [] });

  expect(withPreset(presets, { name: "Post", fields: ["phone"] })).toEqual([
    { name: "Mail", fields: [] },
    { name: "Post", fields: ["phone"] },
  ]);
});
