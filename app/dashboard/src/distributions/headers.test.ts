import { expect, test } from "vitest";
import { parseHeaders } from "./headers";

test("each line is a header, whose value may have colons", () => {
  expect(parseHeaders("Authorization: Bearer a:b\r\n\n X-Shop :7")).toEqual({
    Authorization: "Bearer a:b",
    "X-Shop": "7",
  });
  expect(parseHeaders("")).toEqual({});
});

test.each([
  ["Bearer abc", "“Bearer abc” is no header"],
  [": abc", "“: abc” is no header"],
  ["A: 1\nA: 2", "The header A is there twice"],
])("%j is refused", (text, message) => {
  expect(() => parseHeaders(text)).toThrow(message);
});
