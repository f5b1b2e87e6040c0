import {
  browserStorage,
  readJson,
  removeByPrefix,
  tabStorage,
  writeJson,
} from "../api/browserStorage";

const PREFIX = "segments:draft:";
const NEW_SEGMENT = "new";

/** A draft in the storage of this browser. */
export interface KeptDraft {
  /** When it was last edited, in RFC 3339. */
  editedAt: string;
  /** `updatedAt` of the segment that was edited; absent for a new segment. */
  updatedAt?: string | undefined;
  /** The draft as `readDraftJson` takes it. */
  draft: unknown;
}

/** Returns the kept draft of the segment, or of a new segment; null if there is none. */
export function readKeptDraft(segmentId: string | undefined): KeptDraft | null {
  return readJson(browserStorage, nameOf(segmentId)) as KeptDraft | null;
}

export const hasKeptDraft = (segmentId: string) =>
  browserStorage.getItem(nameOf(segmentId)) !== null;

/** Keeps the draft. Returns false if the storage of the browser has no room for it. */
export function keepDraft(segmentId: string | undefined, draft: KeptDraft): boolean {
  const isKept = writeJson(browserStorage, nameOf(segmentId), draft);
  if (!isKept) forgetDraft(segmentId);
  return isKept;
}

/** Calls `onChange` when another tab keeps or forgets this draft. Returns a function that ends that. */
export function watchOtherTabs(segmentId: string | undefined, onChange: () => void): () => void {
  const handle = ({ key }: StorageEvent) => {
    if (key === nameOf(segmentId)) onChange();
  };
  window.addEventListener("storage", handle);
  return () => window.removeEventListener("storage", handle);
}

export function forgetDraft(segmentId: string | undefined): void {
  browserStorage.removeItem(nameOf(segmentId));
}

/** Forgets all drafts, also those of lists in this tab: they may hold data of customers. */
export function forgetDrafts(): void {
  for (const storage of [browserStorage, tabStorage]) removeByPrefix(storage, PREFIX);
}

const nameOf = (segmentId: string | undefined) => PREFIX + (segmentId ?? NEW_SEGMENT);
