import { type Dispatch, useId, useState } from "react";
import type { FoundSegment } from "../editor/queries";
import { SegmentCombobox } from "../editor/SegmentCombobox";
import { AddAllButton } from "./AddAllButton";
import type { ChosenEdit } from "./chosen";

interface Props {
  edit: Dispatch<ChosenEdit>;
  limit: number;
}

/** Puts the members of a segment into the list. */
export function SegmentPicker({ edit, limit }: Props) {
  const [segment, setSegment] = useState<FoundSegment | null>(null);
  const heading = useId();
  return (
    <section aria-labelledby={heading}>
      <h2 id={heading}>From a segment</h2>
      <SegmentCombobox
        label="Segment"
        isLabelShown
        value={segment?.name ?? ""}
        onChoose={setSegment}
      />
      {segment && (
        <AddAllButton
          key={segment.id}
          selection={{ search: "", filter: { segment: { id: segment.id } } }}
          origin={`of “${segment.name}”`}
          edit={edit}
          limit={limit}
        />
      )}
    </section>
  );
}
