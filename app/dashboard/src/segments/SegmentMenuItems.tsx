import { useCanWrite } from "../access/viewer";
import { routes } from "../routes";
import { type MenuItem, MenuItems } from "../ui/MenuItems";
import type { ListedSegment } from "./queries";
import { listSegmentPages } from "./segmentPages";

interface Props {
  label: string;
  segment: ListedSegment;
  onCopy: () => void;
  onDelete: () => void;
}

/** What can be done with a segment of the list. */
export function SegmentMenuItems({ label, segment, onCopy, onDelete }: Props) {
  const canWrite = useCanWrite();
  const items: MenuItem[] = [
    { name: "Open", href: routes.segment(segment.id) },
    ...(canWrite ? listSegmentPages(segment) : []),
    ...(segment.kind === "STATIC" ? [] : [{ name: "Copy as GraphQL", act: onCopy }]),
    ...(canWrite ? [{ name: "Delete", act: onDelete }] : []),
  ];
  return <MenuItems label={label} items={items} />;
}
