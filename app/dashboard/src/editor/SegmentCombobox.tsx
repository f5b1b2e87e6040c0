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
  /** Says why a segment can't be chosen; null if it can. */
  findObstacle?: (segment: FoundSegment) => string | null;
}

/** A field that searches segments, of which the user chooses one. */
export function SegmentCombobox({ findObstacle = () => null, ...field }: Props) {
  return (
    <Combobox
      placeholder="Search a segment"
      search={segmentSearch}
      isDisabled={(segment) => findObstacle(segment) !== null}
      renderItem={(segment) => renderSegment(segment, findObstacle(segment))}
      {...field}
    />
  );
}

function renderSegment({ name, kind, lastSize }: FoundSegment, obstacle: string | null) {
  const size = lastSize && formatCount(lastSize.memberCount, "customer");
  return (
    <>
      {name}
      <span className="sentence">
        {[KIND_NAMES[kind], size, obstacle].filter(Boolean).join(", ")}
      </span>
    </>
  );
}
