/**
 * Parses headers, one a line, as "Name: value". Throws an error that names the first line which is
 * none, or repeats a name.
 */
export function parseHeaders(text: string): Record<string, string> {
  const headers = new Map<string, string>();
  for (const line of text.split("\n").map((each) => each.trim())) {
    if (!line) continue;
    const colon = line.indexOf(":");
    if (colon < 1) throw new Error(`“${line}” is no header. Write a name, a colon and a value.`);
    const name = line.slice(0, colon).trim();
    if (headers.has(name)) throw new Error(`The header ${name} is there twice. Leave one out.`);
    headers.set(name, line.slice(colon + 1).trim());
  }
  return Object.fromEntries(headers);
}
