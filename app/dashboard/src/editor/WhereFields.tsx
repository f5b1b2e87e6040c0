import { type AttributeNode, createAttribute, type EventNode } from "../filter/node";
import { Select } from "../ui/Select";
import { ConditionFields, type ConditionProps } from "./ConditionFields";
import { type AttributeInfo, useCatalog } from "./catalog";
import { useFocusOnCount } from "./focus";
import { NodeProblems } from "./NodeProblems";

interface Props {
  node: EventNode;
  onChange: (node: EventNode) => void;
}

/** Conditions on the properties of an event, all of which must hold. */
export function WhereFields({ node, onChange }: Props) {
  const { events } = useCatalog();
  const { name = "" } = node.condition;
  const properties = events.find((candidate) => candidate.name === name)?.properties ?? [];
  const changeWhere = (where: AttributeNode[]) => onChange({ ...node, where });
  const fields = useFocusOnCount(node.where.length);
  return (
    <div className="where" ref={fields}>
      {node.where.map((condition) => (
        <NodeProblems key={condition.id} nodeId={condition.id}>
          <div className="condition">
            where
            <PropertyRow
              node={condition}
              event={name}
              properties={properties}
              onChange={(next) =>
                changeWhere(node.where.map((other) => (other.id === next.id ? next : other)))
              }
            />
            <button
              type="button"
              onClick={() => changeWhere(node.where.filter(({ id }) => id !== condition.id))}
            >
              Remove “where”
            </button>
          </div>
        </NodeProblems>
      ))}
      {properties.length > 0 && (
        <button
          type="button"
          data-adds
          onClick={() => changeWhere([...node.where, createAttribute()])}
        >
          + where
        </button>
      )}
    </div>
  );
}

interface RowProps extends ConditionProps {
  event: string;
  properties: AttributeInfo[];
}

/** A condition on a property of an event. */
function PropertyRow({ event, properties, ...row }: RowProps) {
  const { path } = row.node.condition;
  return (
    <ConditionFields {...row} event={event} attributes={properties}>
      <Select
        aria-label="Property"
        value={path ?? ""}
        onChange={({ target }) => row.onChange({ ...row.node, condition: { path: target.value } })}
      >
        <option value="" disabled>
          Choose a property
        </option>
        {path && !properties.some((property) => property.path === path) && (
          <option value={path}>{path}</option>
        )}
        {properties.map((property) => (
          <option key={property.path} value={property.path}>
            {property.label}
          </option>
        ))}
      </Select>
    </ConditionFields>
  );
}
