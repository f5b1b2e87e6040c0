import { expect, test } from "vitest";
import { countColumns, parseRows, readEntries } from "./entries";

test("each line of pasted text is a row with its number", () => {
  expect(parseRows("anna\r\n\n  ben \n")).toEqual([
    { line: 1, cells: ["anna"] },
    { line: 3, cells: ["ben"] },
  ]);
});

test.each([",", ";", "\t"])("columns are separated by %j", (delimiter) => {
  const text = `\uFEFFid${delimiter}email\n1${delimiter}\n`;

  expect(parseRows(text)).toEqual([
    { line: 1, cells: ["id", "email"] },
    { line: 2, cells: ["1", ""] },
  ]);
});

test("quoted cells may have delimiters, quotes and line ends", () => {
  expect(parseRows('"a,b","say ""hi""\nthere"\nc,d')).toEqual([
    { line: 1, cells: ["a,b", 'say "hi"\nthere'] },
    { line: 3, cells: ["c", "d"] },
  ]);
});

test("a quote that nothing closes is a part of the text", () => {
  expect(parseRows('"anna,1\nb"en,2')).toEqual([
    { line: 1, cells: ['"anna', "1"], hasOpenQuote: true },
    { line: 2, cells: ['b"en', "2"] },
  ]);
});

test("rows without a value in the column are counted", () => {
  const rows = parseRows("1,anna\n2,\n3");

  expect(countColumns(rows)).toBe(2);
  expect(readEntries(rows, 1)).toEqual({ entries: [{ line: 1, text: "anna" }], emptyCount: 2 });
});

test("every cell can be a value", () => {
  const { entries } = readEntries(parseRows("anna, ben,\ncleo"), "every");

  expect(entries.map(({ text }) => text)).toEqual(["anna", "ben", "cleo"]);
});

test("a hundred thousand lines are read at once", () => {
  const text = Array.from({ length: 100_000 }, (_, index) => `customer-${index},x`).join("\n");

  expect(readEntries(parseRows(text), 0).entries).toHaveLength(100_000);
});
