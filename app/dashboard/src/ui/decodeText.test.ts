import { expect, test } from "vitest";
import { decodeText } from "./decodeText";

const utf16 = (text: string) =>
  [...text].flatMap((letter) => [letter.charCodeAt(0) & 0xff, letter.charCodeAt(0) >> 8]);

test.each([
  ["UTF-8", [...new TextEncoder().encode("Müller")]],
  ["UTF-8 with a mark", [0xef, 0xbb, 0xbf, ...new TextEncoder().encode("Müller")]],
  ["Windows-1252", [0x4d, 0xfc, 0x6c, 0x6c, 0x65, 0x72]],
  ["UTF-16", utf16("\uFEFFMüller")],
])("text in %s is read", (_, bytes) => {
  expect(decodeText(new Uint8Array(bytes))).toBe("Müller");
});

test("a single broken letter does not make other letters wrong", () => {
  const bytes = [...new TextEncoder().encode("Müller, Köln "), 0xfc];

  expect(decodeText(new Uint8Array(bytes))).toBe("Müller, Köln \uFFFD");
});
