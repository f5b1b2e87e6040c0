import { expect, test } from "vitest";
import { parseRows } from "../lists/entries";
import {
  type Field,
  findMappingProblem,
  listFields,
  mapByHeading,
  readColumns,
  toNewPath,
} from "./columns";
import { convertRows } from "./rows";
import { CellError, convertCell, detectType } from "./values";

const FIELDS: Field[] = [
  { path: "sourceId", label: "Source id", type: "STRING" },
  { path: "address.city", label: "City", type: "STRING" },
  { path: "birthdate", label: "Birthdate", type: "DATE" },
  { path: "metadata.visits", label: "metadata.visits", type: "NUMBER" },
];

test("only headings that are paths are mapped", () => {
  const mapping = mapByHeading(
    ["sourceId", "City", "birthdate", "birthdate", "metadata.new"],
    FIELDS,
    [null, "metadata.City", null, null, "metadata.new"],
  );

  expect([...mapping]).toEqual([
    [0, "sourceId"],
    [2, "birthdate"],
    [4, "metadata.new"],
  ]);
  expect(findMappingProblem(mapping)).toBeNull();
  expect(findMappingProblem(new Map([[1, "birthdate"]]))).toContain("source id");
  expect(findMappingProblem(new Map([...mapping, [3, "birthdate"]]))).toContain("birthdate");
});

test("fields are those that one column can write, and a heading can be a new key", () => {
  const create = (path: string, group: "PROFILE" | "ACTIVITY" | "METADATA", isArray = false) => ({
    path,
    label: path,
    group,
    type: "STRING" as const,
    isArray,
    operatorNames: [],
    allowedValues: null,
  });
  const attributes = [
    create("sourceId", "PROFILE"),
    create("createdAt", "PROFILE"),
    create("orders.totalCount", "ACTIVITY"),
    create("metadata.tags", "METADATA", true),
    create("metadata.a.b", "METADATA"),
  ];

  const headings = ["metadata.new", "metadata.tags", "metadata.x.y", "tags", "else", ""];

  expect(listFields(attributes).map(({ path }) => path)).toEqual(["sourceId"]);
  expect(headings.map((heading) => toNewPath(heading, attributes))).toEqual([
    "metadata.new",
    null,
    null,
    null,
    "metadata.else",
    null,
  ]);
});

test("rows become inputs, and those that do not fit are named", () => {
  const [, ...rows] = parseRows(
    "id,city,born,visits,tier\na,Bonn,2000-02-29,3,gold\nb,,2001-02-29,,\n,Ulm,,,\nc,,,two,\nd,,,,1",
  );
  const paths = [...FIELDS.map(({ path }) => path), "metadata.tier"];
  const mapping = new Map(paths.map((path, index) => [index, path]));

  const { accepted, refused } = convertRows(rows, readColumns(rows, mapping, FIELDS), 5);

  expect(accepted).toEqual([
    {
      line: 2,
      input: {
        sourceId: "a",
        address: { city: "Bonn" },
        birthdate: "2000-02-29",
        metadata: { visits: 3, tier: "gold" },
      },
    },
    { line: 6, input: { sourceId: "d", metadata: { tier: "1" } } },
  ]);
  expect(refused.map(({ line, reason }) => `${line}: ${reason}`)).toEqual([
    "3: birthdate: “2001-02-29” must be a date as 2026-12-31",
    "4: the source id is missing",
    "5: metadata.visits: “two” must be a number as 1234.5",
  ]);
});

test("a row whose cells are not those of its columns is not imported", () => {
  const rows = parseRows('a,Smith, John\nb\nc,"Hans\nd,"Smith, John"\ne,M\uFFFDller');
  const columns = [{ index: 0, path: "sourceId", type: "STRING" as const }];

  const { accepted, refused } = convertRows(rows, columns, 2);

  expect(accepted.map(({ line }) => line)).toEqual([4]);
  expect(refused.map(({ line, reason }) => `${line}: ${reason}`)).toEqual([
    "1: the row has 3 cells, the heading 2",
    "2: the row has 1 cell, the heading 2",
    "3: a quote is not closed",
    "5: a character can’t be read: save the file as UTF-8",
  ]);
});

test.each([
  [["1", "-2.5", "0"], "NUMBER"],
  [["1", "01067"], "STRING"],
  [["5.10"], "STRING"],
  [["TRUE", "false"], "BOOLEAN"],
  [[], "STRING"],
])("the values %j are of the type %s", (texts, type) => {
  expect(detectType(texts)).toBe(type);
});

test("a number that would lose digits is refused", () => {
  expect(() => convertCell("12345678901234567890", "NUMBER")).toThrow(CellError);
  expect(convertCell("True", "BOOLEAN")).toBe(true);
});
