import type { Draft } from "./history";
import { readDraftJson, toDraftJson } from "./serialize";

// Mail programs and chats cut longer addresses.
const MAX_LINK_CHARACTERS = 8_000;
const MARK = "#f=";

/**
 * Returns the fragment of an address that holds the draft, compressed; null if it is too long. Browsers do not send
 * fragments to servers.
 */
export async function toFragment(draft: Draft): Promise<string | null> {
  const json = new Blob([JSON.stringify(toDraftJson(draft))]);
  const compressed = json.stream().pipeThrough(new CompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(compressed).arrayBuffer());
  const fragment = MARK + toBase64(bytes);
  return fragment.length <= MAX_LINK_CHARACTERS ? fragment : null;
}

export const isDraftFragment = (fragment: string) => fragment.startsWith(MARK);

/** Returns the draft in the fragment of an address. Throws an error if there is none. */
export async function readFragment(fragment: string): Promise<Draft> {
  const draft = await decode(fragment.slice(MARK.length)).catch(() => null);
  if (!draft) throw new Error("This link is not complete. Ask for a new one.");
  return draft;
}

async function decode(text: string): Promise<Draft | null> {
  const compressed = new Blob([fromBase64(text)]);
  const json = compressed.stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return readDraftJson(await new Response(json).json());
}

function toBase64(bytes: Uint8Array): string {
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

const fromBase64 = (text: string) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) =>
    character.charCodeAt(0),
  );
