import { readDraftJson } from "./serialize";
import { readKeptDraft } from "./storage";

/** Returns the kept draft of the segment, or of a new one; null if there is none that can be read. */
export function readKept(segmentId: string | undefined) {
  const kept = readKeptDraft(segmentId);
  const draft = readDraftJson(kept?.draft);
  return kept && draft && { ...kept, draft };
}
