import type { SegmentKind } from "./words";

interface Props {
  segment: { name: string; kind: SegmentKind } | null;
}

/** Says, before something is saved that acts on the segment, what becomes of the segment. */
export function ActivationNotice({ segment }: Props) {
  if (segment?.kind !== "PASSIVE") return null;
  return (
    <p className="notice">
      This makes “{segment.name}” active for good: its filter can’t be edited then.
    </p>
  );
}
