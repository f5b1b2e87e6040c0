import { memo, useEffect, useRef } from "react";
import {
  createAttribute,
  createEvent,
  createGroup,
  createSegment,
  type FilterNode,
  type GroupNode,
  JUNCTIONS,
  type Junction,
} from "../filter/node";
import { AttributeRow } from "./AttributeRow";
import { EventRow } from "./EventRow";
import { useEdit, useNodeProblem } from "./editing";
import { SegmentConditionRow } from "./SegmentConditionRow";

const JUNCTION_NAMES = { all: "All of these", any: "Any of these", none: "None of these" } as const;

const ADDITIONS = [
  { name: "Attribute", create: createAttribute },
  { name: "Event", create: createEvent },
  { name: "Segment", create: createSegment },
  { name: "Group", create: () => createGroup("all") },
] as const;

/** A group of conditions: its junction, its parts, and buttons that add parts. */
export const GroupEditor = memo(function GroupEditor({ group }: { group: GroupNode }) {
  const edit = useEdit();
  const fieldset = useRef<HTMLFieldSetElement>(null);
  const shownCount = useRef(group.children.length);

  // After an addition the first field of the new part has the focus; after a removal, the button
  // that adds parts, as the removed button had it.
  useEffect(() => {
    const added = group.children.length - shownCount.current;
    shownCount.current = group.children.length;
    if (added > 0) focusFirst(fieldset.current?.querySelector(":scope > ul > li:last-child"));
    if (added < 0) focusFirst(fieldset.current?.querySelector(":scope > .additions"));
  }, [group.children.length]);

  return (
    <fieldset className="group" ref={fieldset}>
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
          <Part key={child.id} node={child} />
        ))}
      </ul>
      <div className="additions">
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

const Part = memo(function Part({ node }: { node: FilterNode }) {
  const edit = useEdit();
  const problem = useNodeProblem(node.id);
  return (
    <li className="part">
      <div className="condition">
        <PartFields node={node} />
        <span className="part-tools">
          <button
            type="button"
            aria-label="Move up"
            onClick={() => edit({ type: "move", id: node.id, by: -1 })}
          >
            ↑
          </button>
          <button
            type="button"
            aria-label="Move down"
            onClick={() => edit({ type: "move", id: node.id, by: 1 })}
          >
            ↓
          </button>
          <button type="button" onClick={() => edit({ type: "remove", id: node.id })}>
            Remove
          </button>
        </span>
      </div>
      {problem && <p className="field-problem">{problem}</p>}
    </li>
  );
});

function PartFields({ node }: { node: FilterNode }) {
  const edit = useEdit();
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

function focusFirst(part: Element | null | undefined): void {
  part?.querySelector<HTMLElement>("select, input, button")?.focus();
}
