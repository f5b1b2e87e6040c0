import type { FoundSegment } from "../editor/queries";
import { SegmentCombobox } from "../editor/SegmentCombobox";

/** A rule as it is typed. */
export interface RuleDraft {
  name: string;
  errorMessage: string;
  segment: FoundSegment | null;
}

interface Props {
  draft: RuleDraft;
  onChange: (draft: RuleDraft) => void;
  segmentLabel: string;
}

/** The fields of a rule: its name, the segment whose members may, and what the others are told. */
export function RuleFields({ draft, onChange, segmentLabel }: Props) {
  return (
    <>
      <label>
        Name
        <input
          required
          value={draft.name}
          onChange={({ target }) => onChange({ ...draft, name: target.value })}
        />
      </label>
      <SegmentCombobox
        label={segmentLabel}
        isLabelShown
        value={draft.segment?.name ?? ""}
        onChoose={(segment) => onChange({ ...draft, segment })}
      />
      <label>
        Message when refused
        <input
          value={draft.errorMessage}
          onChange={({ target }) => onChange({ ...draft, errorMessage: target.value })}
        />
      </label>
    </>
  );
}

/** The filter of a rule by which the members of the segment may. */
export const membersOf = ({ id }: FoundSegment) => ({ segment: { id } });
