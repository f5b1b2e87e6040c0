import { useQuery } from "@tanstack/react-query";
import { useContext } from "react";
import type { SegmentNode } from "../filter/node";
import { SegmentIdContext } from "./editing";
import { ConditionField } from "./NodeProblems";
import { containingSegmentsQuery, namedSegmentQuery } from "./queries";
import { SegmentCombobox } from "./SegmentCombobox";

interface Props {
  node: SegmentNode;
  onChange: (node: SegmentNode) => void;
}

/** A condition that the customer is, or is not, in another segment. */
export function SegmentConditionRow({ node, onChange }: Props) {
  const { data: segment } = useQuery(namedSegmentQuery(node.segmentId));
  const editedId = useContext(SegmentIdContext);
  const { data: containing } = useQuery(containingSegmentsQuery(editedId));
  const name = segment === null ? "a deleted segment" : segment?.name;
  return (
    <>
      <select
        aria-label="Membership"
        value={String(node.isMember)}
        onChange={({ target }) => onChange({ ...node, isMember: target.value === "true" })}
      >
        <option value="true">is in</option>
        <option value="false">is not in</option>
      </select>
      <ConditionField name="id">
        <SegmentCombobox
          label="Segment"
          value={(node.segmentId && name) ?? ""}
          findObstacle={({ id }) => {
            if (id === editedId) return "is the segment that you edit";
            return containing?.has(id) ? "contains the segment that you edit" : null;
          }}
          onChoose={({ id }) => onChange({ ...node, segmentId: id })}
        />
      </ConditionField>
      {segment?.filterText && <p className="sentence inner-sentence">{segment.filterText}</p>}
    </>
  );
}
