import { expect, test } from "vitest";
import { createNumberText } from "./numberText";

test.each([
  ["en", "1500", 1500],
  ["en", "1,500", 1500],
  ["en", "1,234,567.25", 1_234_567.25],
  ["en", "1.500", 1.5],
  ["en", " −5 ", -5],
  ["en", ".5", 0.5],
  ["de", "1.500", 1500],
  ["de", "1,5", 1.5],
  ["de", "-1.234,5", -1234.5],
  ["de-CH", "1’500.5", 1500.5],
  ["es", "1.500", 1500],
  ["fr", "1 500,5", 1500.5],
  ["pl", "12\u00a0345", 12_345],
  ["sv", "−1,5", -1.5],
  ["en-IN", "12,34,567", 1_234_567],
  ["ar-EG", "١٬٢٣٤٫٥", 1234.5],
  ["ar-EG", "1234", 1234],
])("in %s, %j is a number", (language, text, number) => {
  expect(createNumberText(language).parse(text)).toBe(number);
});

test.each([
  ["en", "1,5"],
  ["en", "1,50"],
  ["en", "1,5000"],
  ["en", "1234,567"],
  ["en", "1,234.5,6"],
  ["en", "1.234.567"],
  ["en", "1 500"],
  ["en", ","],
  ["en", "5."],
  ["en", "1e5"],
  ["en", "five"],
  ["en", "9".repeat(400)],
  ["en-IN", "1,234,567"],
  ["de", "1.5"],
  ["de", "1,234.5"],
  ["de", "1.50,5"],
  ["fr", "1.5"],
  ["fr", "1 5"],
])("in %s, %j is no number", (language, text) => {
  expect(createNumberText(language).parse(text)).toBeNaN();
});

test.each([
  ["en", 1234.5, "1234.5"],
  ["de", 1234.5, "1234,5"],
  ["de", -0.1, "-0,1"],
  ["en", 0.1 + 0.2, "0.30000000000000004"],
  ["en", 1e-7, "0.0000001"],
  ["de", 1e21, "1000000000000000000000"],
])("in %s, %d is shown with all its digits, and read again", (language, number, text) => {
  const { format, parse } = createNumberText(language);

  expect(format(number)).toBe(text);
  expect(parse(text)).toBe(number);
});

test("what is refused is told with numbers of the language", () => {
  const english = createNumberText("en");

  expect(english.findProblem("1,5", {})).toBe(
    "Write a number in your browser’s format, like 1234.5 or 1,234.5.",
  );
  expect(createNumberText("de").findProblem("1.5", {})).toContain("like 1234,5 or 1.234,5.");
  expect(english.findProblem("1.5", { isWhole: true })).toBe(
    "Write a whole number, like 1500 or 1,500.",
  );
  expect(english.findProblem("0", { min: 1 })).toBe("Write 1 or more.");
  expect(english.findProblem("1,500", { isWhole: true, min: 1 })).toBeUndefined();
  expect(english.findProblem(" ", { isWhole: true, min: 1 })).toBeUndefined();
});
