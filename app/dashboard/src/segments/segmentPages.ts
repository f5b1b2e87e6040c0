import { routes } from "../routes";
import type { SegmentKind } from "./words";

interface Segment {
  id: string;
  kind: SegmentKind;
  editable: boolean;
}

/** Returns the pages on which something is done with a segment, by somebody whose key may write. */
export function listSegmentPages({
  id,
  kind,
  editable,
}: Segment): { name: string; href: string }[] {
  return [
    ...(editable ? [{ name: "Edit", href: routes.editSegment(id) }] : []),
    kind === "STATIC"
      ? { name: "Make a changed copy", href: routes.changedCopy(id) }
      : { name: "Duplicate", href: routes.duplicate(id) },
    { name: "Export", href: routes.newExport(id) },
  ];
}
