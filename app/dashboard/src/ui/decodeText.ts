const ENCODINGS_BY_MARK = [
  { mark: [0xff, 0xfe], encoding: "utf-16le" },
  { mark: [0xfe, 0xff], encoding: "utf-16be" },
];
/** Stands in decoded text for bytes that are not of its encoding. */
export const REPLACEMENT_CHARACTER = "\uFFFD";

/**
 * Decodes the text of a file as `segments import` does: by its byte order mark, else as UTF-8 or as
 * Windows-1252, which spreadsheets write. A file in the latter has hardly any letter that is valid UTF-8.
 */
export function decodeText(bytes: Uint8Array): string {
  const marked = ENCODINGS_BY_MARK.find(({ mark }) =>
    mark.every((byte, index) => bytes[index] === byte),
  );
  if (marked) return new TextDecoder(marked.encoding).decode(bytes);
  const text = new TextDecoder().decode(bytes);
  const invalidCount = text.split(REPLACEMENT_CHARACTER).length - 1;
  const otherCount = text.match(/[^\0-\x7f]/gu)?.length ?? 0;
  return 2 * invalidCount > otherCount ? new TextDecoder("windows-1252").decode(bytes) : text;
}
