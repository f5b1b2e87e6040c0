import { expect, test } from "vitest";
import { listColumns } from "./memberColumns";

const FIELDS = ["name", "metadata.tier", "metadata.size.eu", "metadata.tags", "metadata"].map(
  (path) => ({ path, label: `Label of ${path}` }),
);
const customer = {
  id: "customer-1",
  sourceId: "anna",
  name: "Anna",
  email: null,
  phone: null,
  birthdate: null,
  source: null,
  createdAt: "2026-11-29T12:00:00Z",
  updatedAt: "2026-11-29T12:00:00Z",
};

function readCell(path: string, metadata: unknown): string | null | undefined {
  const column = listColumns(FIELDS, true).find((other) => other.path === path);
  return column?.read({ customer: { ...customer, metadata }, enteredAt: null });
}

test("there is a column for each key of metadata, by its label", () => {
  const names = listColumns(FIELDS, false).map(({ name }) => name);
  expect(names.slice(-3)).toEqual([
    "Label of metadata.tier",
    "Label of metadata.size.eu",
    "Label of metadata.tags",
  ]);
  expect(names).not.toContain("Entered");
});

test.each([
  ["metadata.tier", { tier: "gold" }, "gold"],
  ["metadata.tier", { tier: false }, "no"],
  ["metadata.tier", {}, null],
  ["metadata.size.eu", { size: { eu: 41 } }, "41"],
  ["metadata.size.eu", { "size.eu": 42 }, "42"],
  ["metadata.tags", { tags: ["a", 1] }, "a, 1"],
])("%s of %j is %j", (path, metadata, cell) => {
  expect(readCell(path, metadata)).toBe(cell);
});

test("a detail that is not read yet is empty", () => {
  const phone = listColumns(FIELDS, false).find(({ path }) => path === "phone");
  const { id, sourceId, name, email } = customer;
  expect(phone?.read({ customer: { id, sourceId, name, email }, enteredAt: null })).toBeNull();
});

test("members of before the activation have no time", () => {
  expect(readCell("enteredAt", {})).toBe("before it was active");
});
