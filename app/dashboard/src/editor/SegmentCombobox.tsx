import { KIND_NAMES } from "../segments/words";
import { Combobox } from "../ui/Combobox";
import { formatCount } from "../ui/formats";
import { type FoundSegment, segmentSearch } from "./queries";

interface Props {
  label: string;
  isLabelShown?: boolean;
  /** The name of the chosen segment. */
  value: string;
  onChoose: (segment: FoundSegment) => void;
}

/** A field that searches segments, of which the user chooses one. */
export function SegmentCombobox(props: Props) {
  return (
    <Combobox
      placeholder="Search a segment"
      search={segmentSearch}
      renderItem={renderSegment}
      {...props}
    />
  );
}

function renderSegment({ name, kind, lastSize }: FoundSegment) {
  const size = lastSize && formatCount(lastSize.memberCount, "customer");
  return (
    <>
      {name}
      <span className="sentence">{[KIND_NAMES[kind], size].filter(Boolean).join(", ")}</span>
    </>
  );
}
