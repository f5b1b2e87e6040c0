/** Copies the text. Returns whether the browser lets the page copy. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without HTTPS, or without the user's consent, a page can't copy.
    return false;
  }
}
