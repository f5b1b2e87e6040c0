import { useState } from "react";
import { DeleteDialog } from "../ui/DeleteDialog";
import { loadable } from "../ui/loadable";
import { MenuButton } from "../ui/MenuButton";
import { CopyOutcome } from "./CopyAsGraphQLButton";
import { useCopyAsGraphQL } from "./copyAsGraphQL";
import type { ListedSegment } from "./queries";
import { useSegmentDeletion } from "./useSegmentDeletion";

const SegmentMenuItems = loadable(
  async () => (await import("./SegmentMenuItems")).SegmentMenuItems,
);

interface Props {
  segment: ListedSegment;
  /** Is called when the segment is deleted, and its row is about to go. */
  onDeleted: () => void;
}

/** The menu of a row of the list. */
export function SegmentMenu({ segment, onDeleted }: Props) {
  const [isDeleting, setDeleting] = useState(false);
  const deletion = useSegmentDeletion(segment, onDeleted);
  const copy = useCopyAsGraphQL(segment.id);
  const label = `Actions for ${segment.name}`;
  return (
    <>
      <MenuButton label={label}>
        <SegmentMenuItems
          label={label}
          segment={segment}
          onCopy={copy.mutate}
          onDelete={() => setDeleting(true)}
        />
      </MenuButton>
      <CopyOutcome copy={copy} />
      {isDeleting && <DeleteDialog {...deletion} onClose={() => setDeleting(false)} />}
    </>
  );
}
