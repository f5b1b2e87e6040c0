import { expect, test } from "vitest";
import { readSorting, writeSorting } from "./sorting";

test.each(["name", "-name", "size", "-edited"])("%s is read and written", (text) => {
  expect(writeSorting(readSorting(text))).toBe(text);
});

test.each(["", "-", "toString", "NAME"])("%j is no sorting", (text) => {
  expect(readSorting(text)).toBeNull();
  expect(writeSorting(null)).toBe("");
});
