import { expect, test } from "vitest";
import { findAttributes, rememberPath } from "./attributeSearch";

type Attribute = Parameters<typeof findAttributes>[0][number];

const create = (path: string, label: string, group: Attribute["group"]): Attribute => ({
  path,
  label,
  group,
  type: "STRING",
  isArray: false,
  operatorNames: [],
  allowedValues: null,
});
const ATTRIBUTES = [
  create("metadata.nickname", "Nickname", "METADATA"),
  create("address.city", "City name", "PROFILE"),
  create("name", "Name", "PROFILE"),
  create("orders.totalCount", "Number of orders", "ACTIVITY"),
];

function find(text: string): string[] {
  return findAttributes(ATTRIBUTES, text).map(
    ({ heading, attribute }) => `${heading}: ${attribute.label}`,
  );
}

test("attributes are found by label and path, and listed by group", () => {
  expect(find("name")).toEqual(["Profile: Name", "Profile: City name", "Metadata: Nickname"]);
  expect(find(" Orders number ")).toEqual(["Activity: Number of orders"]);
  expect(find("totalcount")).toEqual(["Activity: Number of orders"]);
  expect(find("none")).toEqual([]);
});

test("without a text, the last chosen ones come first", () => {
  expect(find("")[0]).toBe("Profile: City name");
  for (const path of ["name", "orders.totalCount", "name", "gone"]) rememberPath(path);

  expect(find("").slice(0, 3)).toEqual([
    "Recent: Name",
    "Recent: Number of orders",
    "Profile: City name",
  ]);
  expect(find("name")[0]).toBe("Profile: Name");
});
