import type { ShownSegment } from "../segments/queries";
import { UseNames } from "./UseNames";

/** Says, before an edit is saved, what it changes, too. */
export function EffectNotice({ segment: { usedBy } }: { segment: ShownSegment }) {
  if (usedBy.length === 0) return null;
  return (
    <div className="notice">
      <p>These use the segment. Saving another filter changes them, too:</p>
      <UseNames uses={usedBy} />
    </div>
  );
}
