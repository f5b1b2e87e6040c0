import { expect, test } from "vitest";
import { createAttribute, createEvent, createGroup, createSegment } from "../filter/node";
import { applyToHistory, createHistory, type Draft, type HistoryAction } from "./history";
import { isDraftFragment, readFragment, toFragment } from "./link";
import { readDraftJson, readFilterJson, toDraftJson } from "./serialize";

const draft = (name = "VIPs"): Draft => ({
  name,
  description: "The best",
  tree: createGroup("any", [
    createAttribute({ path: "name", operator: "IS" }),
    createEvent({ name: "visit", where: [{ path: "page", operator: "IS", value: "home" }] }),
    createGroup("none", [createSegment(), createSegment("seg_1", false), createAttribute()]),
  ]),
});

const rename = (name: string, at: number): HistoryAction => ({
  type: "edit",
  edit: { type: "rename", name },
  at,
});

function nameAfter(...actions: HistoryAction[]): string {
  return actions.reduce(applyToHistory, createHistory(draft("first"))).present.name;
}

test("a draft with unfinished conditions is kept as it is", () => {
  const json = JSON.stringify(toDraftJson(draft()));
  const read = readDraftJson(JSON.parse(json));

  if (!read) throw new Error("no draft");
  expect(JSON.stringify(toDraftJson(read))).toBe(json);
});

test("an event whose value is missing does not get the default one", () => {
  const event = createEvent({ name: "visit" });
  const cleared = { ...event, condition: { ...event.condition, value: undefined } };
  const json = toDraftJson({ ...draft(), tree: createGroup("all", [cleared]) });

  expect(readDraftJson(json)?.tree.children[0]).toMatchObject({ condition: { value: null } });
});

test.each([
  null,
  "text",
  { filter: null },
  { filter: { all: {} } },
  { filter: { all: [{ attribute: { path: 1 } }] } },
  { filter: { all: [{ event: { where: {} } }] } },
  { filter: { all: [{ event: { within: "P30D" } }] } },
  { filter: { all: [{ event: { within: {} } }] } },
  { filter: { all: [{ event: { within: { between: null } } }] } },
  { filter: { all: [{ event: { within: { ago: { from: "P2D" } } } }] } },
  { filter: { all: null, any: [] } },
  { filter: { all: [{ other: {} }] } },
])("what is no draft is not read: %j", (json) => {
  expect(readDraftJson(json)).toBeNull();
});

test("a filter is read from JSON; what is none is not", () => {
  const filter = { any: [{ attribute: { path: "name", operator: "IS", value: "Anna" } }] };

  expect(readFilterJson(filter)).toMatchObject({
    junction: "any",
    children: [{ kind: "attribute" }],
  });
  expect(readFilterJson(filter.any[0])).toMatchObject({ junction: "all" });
  expect([readFilterJson([]), readFilterJson({ every: [] })]).toEqual([null, null]);
});

test("a link holds the draft", async () => {
  const fragment = await toFragment(draft());

  if (!fragment) throw new Error("no link");
  expect(isDraftFragment(fragment)).toBe(true);
  expect(toDraftJson(await readFragment(fragment))).toEqual(toDraftJson(draft()));
  await expect(readFragment(fragment.slice(0, -9))).rejects.toThrow("not complete");
});

test("a link never becomes too long", async () => {
  const value = Array.from({ length: 2_000 }, (_, index) => String(Math.sin(index)));
  const tree = createGroup("all", [createAttribute({ path: "name", operator: "IN", value })]);

  expect(await toFragment({ ...draft(), tree })).toBeNull();
});

test("edits are undone and made again", () => {
  const edits = [rename("second", 0), rename("third", 1_000)];

  expect(nameAfter(...edits, { type: "undo" })).toBe("second");
  expect(nameAfter(...edits, { type: "undo" }, { type: "undo" }, { type: "undo" })).toBe("first");
  expect(nameAfter(...edits, { type: "undo" }, { type: "redo" }, { type: "redo" })).toBe("third");
  expect(nameAfter(...edits, { type: "undo" }, rename("new", 2_000), { type: "redo" })).toBe("new");
});

test("typing without a pause is one step, and another field is another one", () => {
  const typed = [rename("a", 0), rename("ab", 400), rename("abc", 800)];
  const described: HistoryAction = {
    type: "edit",
    edit: { type: "describe", description: "x" },
    at: 900,
  };

  expect(nameAfter(...typed, { type: "undo" })).toBe("first");
  expect(nameAfter(...typed, described, { type: "undo" })).toBe("abc");
});

test("the last hundred steps can be undone", () => {
  const edits = Array.from({ length: 120 }, (_, step) => rename(`${step}`, step * 1_000));
  const undos = Array.from({ length: 200 }, (): HistoryAction => ({ type: "undo" }));

  expect(nameAfter(...edits, ...undos)).toBe("19");
});
