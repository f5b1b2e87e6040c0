/** Lasts until the page is left, where the browser does not let pages store anything. */
class PageStorage {
  readonly #items = new Map<string, string>();

  getItem(name: string): string | null {
    return this.#items.get(name) ?? null;
  }

  setItem(name: string, text: string): void {
    this.#items.set(name, text);
  }

  removeItem(name: string): void {
    this.#items.delete(name);
  }

  key(index: number): string | null {
    return [...this.#items.keys()][index] ?? null;
  }

  get length(): number {
    return this.#items.size;
  }
}

export type BrowserStorage = Pick<Storage, keyof PageStorage>;

/** The storage of this browser, which all tabs share. */
export const browserStorage = openStorage(() => window.localStorage);

/** The storage of this tab. */
export const tabStorage = openStorage(() => window.sessionStorage);

/** Returns the value that the storage has under the name; null if there is none, or no JSON. */
export function readJson(storage: BrowserStorage, name: string): unknown {
  try {
    return JSON.parse(storage.getItem(name) ?? "null");
  } catch {
    return null;
  }
}

/** Stores the value as JSON. Returns false if the browser has no room for it, or stores nothing. */
export function writeJson(storage: BrowserStorage, name: string, value: unknown): boolean {
  try {
    storage.setItem(name, JSON.stringify(value));
    return !(storage instanceof PageStorage);
  } catch {
    return false;
  }
}

/** Removes everything whose name begins with the prefix. */
export function removeByPrefix(storage: BrowserStorage, prefix: string): void {
  const names = Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? "");
  for (const name of names) if (name.startsWith(prefix)) storage.removeItem(name);
}

/** Reading the property of the window is what a browser refuses. */
function openStorage(read: () => Storage): BrowserStorage {
  try {
    return read();
  } catch {
    return new PageStorage();
  }
}
