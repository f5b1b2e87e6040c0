/** Copies the text. Returns what it did. */
export async function copyText(text: string): Promise<string> {
  try {
    await navigator.clipboard.writeText(text);
    return "Copied.";
  } catch {
    // Without HTTPS, or without the user's consent, a page can't copy.
    return "The browser does not let this page copy: select the text and copy it.";
  }
}
