/** Of a double, no more digits count. */
const MAX_DIGITS = 21;
const EXAMPLE = 1500;
const DECIMAL_EXAMPLE = 1234.5;

export interface NumberRules {
  /** Whether the number must be whole. */
  isWhole?: boolean | undefined;
  min?: number | undefined;
}

/** Reads and writes numbers as people of a language do; without a language, as that of the browser. */
export function createNumberText(language?: string) {
  const grouped = new Intl.NumberFormat(language, { useGrouping: "always" });
  const plain = new Intl.NumberFormat(language, {
    useGrouping: false,
    maximumSignificantDigits: MAX_DIGITS,
  });
  const digits = Array.from({ length: 10 }, (_, digit) => plain.format(digit));
  const parts = new Map(
    grouped.formatToParts(-12_345.6).map(({ type, value }) => [type, normalize(value)]),
  );
  const group = parts.get("group") ?? "";
  const pattern = new RegExp(`^([-+]?)([0-9${group}]*)(?:[${parts.get("decimal")}]([0-9]+))?$`);

  /** Replaces characters that are read alike: spaces, apostrophes, minus signs, and digits. */
  function normalize(text: string): string {
    return text
      .replace(/[\u061c\u200e\u200f]/g, "")
      .replace(/\s/g, " ")
      .replaceAll("’", "'")
      .replaceAll("−", "-")
      .replace(/./g, (character) => {
        const digit = digits.indexOf(character);
        return digit < 0 ? character : String(digit);
      });
  }

  /** Returns the number; NaN for a text that is none, or whose groups are not those of the language. */
  function parse(text: string): number {
    const [, sign, integer = "", fraction = ""] = pattern.exec(normalize(text.trim())) ?? [];
    const ungrouped = integer.replaceAll(group, "");
    if (ungrouped + fraction === "") return Number.NaN;
    if (integer !== ungrouped && integer !== normalize(grouped.format(BigInt(ungrouped))))
      return Number.NaN;
    const number = Number(`${sign}${ungrouped}.${fraction}`);
    return Number.isFinite(number) ? number : Number.NaN;
  }

  /** Says how to write a number if the text is none that keeps the rules. */
  function findProblem(text: string, { isWhole, min }: NumberRules): string | undefined {
    if (text.trim() === "") return undefined;
    const number = parse(text);
    const example = isWhole ? EXAMPLE : DECIMAL_EXAMPLE;
    const examples = `${plain.format(example)} or ${grouped.format(example)}`;
    if (isWhole && !Number.isInteger(number)) return `Write a whole number, like ${examples}.`;
    if (Number.isNaN(number)) return `Write a number in your browser’s format, like ${examples}.`;
    if (min !== undefined && number < min) return `Write ${plain.format(min)} or more.`;
    return undefined;
  }
  return { parse, findProblem, format: (number: number) => plain.format(number) };
}

/** Numbers in the language of the browser. */
export const numberText = createNumberText();

/** Returns a value of a filter as text, a number in the language of the browser. */
export const toText = (value: unknown): string =>
  typeof value === "number" ? numberText.format(value) : String(value);
