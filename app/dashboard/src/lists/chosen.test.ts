import { expect, test } from "vitest";
import type { Customer } from "../customers/queries";
import { type Chosen, type ChosenEdit, editChosen, NOBODY, toFilter } from "./chosen";

const customer = (id: string): Customer => ({ id, sourceId: id, name: null, email: null });
const [anna, ben] = [customer("anna"), customer("ben")];
const vips = { attribute: { path: "metadata.vip", operator: "IS", value: true } } as const;
const named = { attribute: { path: "name", operator: "HAS_VALUE" } } as const;
const oneOf = (...value: string[]) => ({
  attribute: { path: "sourceId", operator: "IN", value },
});

const apply = (...edits: ChosenEdit[]): Chosen => edits.reduce(editChosen, NOBODY);

test("a group alone is its filter", () => {
  expect(toFilter(apply({ type: "addGroup", filter: vips }))).toEqual(vips);
});

test("those who are taken off a group are excluded from it alone", () => {
  const chosen = apply(
    { type: "addGroup", filter: vips },
    { type: "add", customers: [anna, ben] },
    { type: "remove", customers: [anna] },
    { type: "addGroup", filter: named },
  );

  expect(toFilter(chosen)).toEqual({
    any: [{ all: [vips, { none: [oneOf("anna")] }] }, named, oneOf("ben")],
  });
});

test("a group that is added again has everybody again", () => {
  const chosen = apply(
    { type: "addGroup", filter: vips },
    { type: "remove", customers: [anna] },
    { type: "addGroup", filter: { ...vips } },
  );

  expect(toFilter(chosen)).toEqual(vips);
});

test("a condition has at most 10,000 customers", () => {
  const customers = Array.from({ length: 10_001 }, (_, index) => customer(`c-${index}`));

  const filter = toFilter(apply({ type: "add", customers }));

  expect(filter).toMatchObject({ any: [{}, oneOf("c-10000")] });
});
