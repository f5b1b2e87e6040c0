import { KIND_EXPLANATIONS, KIND_NAMES, type SegmentKind } from "./words";

const SHAPES = { STATIC: "■", PASSIVE: "○", ACTIVE: "●" } as const;

/** The kind of a segment: a shape and a word, so that it does not depend on colour. */
export function KindBadge({ kind }: { kind: SegmentKind }) {
  return (
    <span className={`kind kind-${kind.toLowerCase()}`} title={KIND_EXPLANATIONS[kind]}>
      <span aria-hidden="true">{SHAPES[kind]}</span> {KIND_NAMES[kind]}
    </span>
  );
}
