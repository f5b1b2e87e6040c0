import { memo } from "react";
import {
  createAttribute,
  createEvent,
  createGroup,
  createSegment,
  type FilterNode,
  type GroupNode,
  JUNCTION_NAMES,
  JUNCTIONS,
  type Junction,
} from "../filter/node";
import { AttributeRow } from "./AttributeRow";
import { EventRow } from "./EventRow";
import { useEdit } from "./editing";
import { NodeMark } from "./NodeMark";
import { NodeProblems } from "./NodeProblems";
import { PartTools } from "./PartTools";
import { SegmentConditionRow } from "./SegmentConditionRow";

const ADDITIONS = [
  { name: "Attribute", create: createAttribute },
  { name: "Event", create: createEvent },
  { name: "Segment", create: createSegment },
  { name: "Group", create: () => createGroup("all") },
] as const;

interface Props {
  group: GroupNode;
  /** Whether the group is the whole filter. Its parts can't leave it. */
  isRoot?: boolean;
}

/** A group of conditions: its junction, its parts, and buttons that add parts. */
export const GroupEditor = memo(function GroupEditor({ group, isRoot = false }: Props) {
  const { edit } = useEdit();
  return (
    <fieldset className="group">
      <legend>
        <select
          aria-label="How the conditions are joined"
          value={group.junction}
          onChange={({ target }) =>
            edit({ type: "replace", node: { ...group, junction: target.value as Junction } })
          }
        >
          {JUNCTIONS.map((junction) => (
            <option key={junction} value={junction}>
              {JUNCTION_NAMES[junction]}
            </option>
          ))}
        </select>
      </legend>
      <ul>
        {group.children.map((child) => (
          <Part key={child.id} node={child} canMoveOut={!isRoot} />
        ))}
      </ul>
      <div className="additions" data-additions={group.id}>
        {ADDITIONS.map(({ name, create }) => (
          <button
            key={name}
            type="button"
            onClick={() => edit({ type: "add", groupId: group.id, node: create() })}
          >
            + {name}
          </button>
        ))}
      </div>
    </fieldset>
  );
});

interface PartProps {
  node: FilterNode;
  canMoveOut: boolean;
}

const Part = memo(function Part({ node, canMoveOut }: PartProps) {
  return (
    <li className="part" data-node={node.id}>
      <NodeProblems nodeId={node.id}>
        <div className="condition">
          <PartFields node={node} />
          <PartTools nodeId={node.id} canMoveOut={canMoveOut} />
        </div>
        <NodeMark nodeId={node.id} />
      </NodeProblems>
    </li>
  );
});

function PartFields({ node }: { node: FilterNode }) {
  const { edit } = useEdit();
  const replace = (next: FilterNode) => edit({ type: "replace", node: next });
  switch (node.kind) {
    case "group":
      return <GroupEditor group={node} />;
    case "attribute":
      return <AttributeRow node={node} onChange={replace} />;
    case "event":
      return <EventRow node={node} onChange={replace} />;
    case "segment":
      return <SegmentConditionRow node={node} onChange={replace} />;
  }
}
