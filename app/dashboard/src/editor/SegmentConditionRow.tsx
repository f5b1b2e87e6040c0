import type { SegmentNode } from "../filter/node";
import { useCatalog } from "./catalog";

interface Props {
  node: SegmentNode;
  onChange: (node: SegmentNode) => void;
}

/** A condition that the customer is, or is not, in another segment. */
export function SegmentConditionRow({ node, onChange }: Props) {
  const { segments } = useCatalog();
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
      <select
        aria-label="Segment"
        value={node.segmentId ?? ""}
        onChange={({ target }) => onChange({ ...node, segmentId: target.value })}
      >
        <option value="" disabled>
          Choose a segment
        </option>
        {segments.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
    </>
  );
}
