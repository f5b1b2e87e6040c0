import { expect, test } from "vitest";
import type { Customer } from "../customers/queries";
import { summarize } from "./lookup";

const customer = (id: string): Customer => ({ id, sourceId: id, name: null, email: null });
const anna = customer("anna");
const found = new Map([
  ["anna", [anna]],
  ["anna@shop.example", [anna]],
  ["team@shop.example", [customer("ben"), customer("cleo")]],
]);

function summarizeTexts(...texts: string[]) {
  return summarize(
    texts.map((text, index) => ({ line: index + 1, text })),
    found,
  );
}

test("every entry is found, a duplicate or unknown", () => {
  const lookup = summarizeTexts("anna", "zoe", "anna@shop.example", "zoe", "anna");

  expect(lookup.customers).toEqual([anna]);
  expect(lookup.unknown).toEqual([{ line: 2, text: "zoe" }]);
  expect(lookup.duplicateCount).toBe(3);
});

test("an email that several customers have finds all of them", () => {
  const lookup = summarizeTexts("team@shop.example", "team@shop.example");

  expect(lookup.customers.map(({ id }) => id)).toEqual(["ben", "cleo"]);
  expect(lookup.sharedEmails).toEqual(["team@shop.example"]);
  expect(lookup.duplicateCount).toBe(1);
});
