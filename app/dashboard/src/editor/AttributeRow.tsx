import type { AttributeNode } from "../filter/node";
import type { AttributeCondition, Operator } from "../filter/types";
import { type AttributeInfo, useCatalog } from "./catalog";
import { ValueField } from "./ValueField";

const GROUP_NAMES = { PROFILE: "Profile", ACTIVITY: "Activity", METADATA: "Metadata" } as const;

interface Props {
  node: AttributeNode;
  onChange: (node: AttributeNode) => void;
}

/** A condition on an attribute of the customer. */
export function AttributeRow({ node, onChange }: Props) {
  const { attributes } = useCatalog();
  const groups = Object.entries(GROUP_NAMES).map(([group, name]) => ({
    name,
    attributes: attributes.filter((attribute) => attribute.group === group),
  }));
  return (
    <ConditionFields node={node} attributes={attributes} onChange={onChange}>
      {groups.map(({ name, attributes }) => (
        <optgroup key={name} label={name}>
          <AttributeOptions attributes={attributes} />
        </optgroup>
      ))}
    </ConditionFields>
  );
}

/** A condition on a property of an event. */
export function PropertyRow({
  event,
  properties,
  ...row
}: Props & { event: string; properties: AttributeInfo[] }) {
  return (
    <ConditionFields {...row} event={event} attributes={properties}>
      <AttributeOptions attributes={properties} />
    </ConditionFields>
  );
}

interface ConditionFieldsProps extends Props {
  attributes: AttributeInfo[];
  /** The event whose properties the attributes are. */
  event?: string;
  /** The options for the attributes. */
  children: React.ReactNode;
}

function ConditionFields({ node, attributes, event, children, onChange }: ConditionFieldsProps) {
  const { operators } = useCatalog();
  const { path, operator, value, ignoreCase } = node.condition;
  const attribute = attributes.find((candidate) => candidate.path === path);
  const info = operator && operators.get(operator);
  const change = (fields: Partial<AttributeCondition>) =>
    onChange({ ...node, condition: { ...node.condition, ...fields } });

  function chooseOperator(next: Operator) {
    const keepsValue = info?.operand === operators.get(next)?.operand;
    onChange({
      ...node,
      condition: { ...(path && { path }), operator: next, ...(keepsValue && { value }) },
    });
  }

  return (
    <>
      <select
        aria-label={event ? "Property" : "Attribute"}
        value={path ?? ""}
        onChange={({ target }) => onChange({ ...node, condition: { path: target.value } })}
      >
        <option value="" disabled>
          Choose {event ? "a property" : "an attribute"}
        </option>
        {path && !attribute && <option value={path}>{path}</option>}
        {children}
      </select>
      {path && (
        <select
          aria-label="Operator"
          value={operator ?? ""}
          onChange={({ target }) => chooseOperator(target.value as Operator)}
        >
          <option value="" disabled>
            Choose an operator
          </option>
          {operator && !attribute && <option value={operator}>{info?.label}</option>}
          {attribute?.operatorNames.map((name) => (
            <option key={name} value={name}>
              {operators.get(name)?.label}
            </option>
          ))}
        </select>
      )}
      {path && info && (
        <ValueField
          key={operator}
          kind={info.operand}
          type={attribute?.type ?? "STRING"}
          value={value}
          onChange={(next) => change({ value: next })}
          source={{ path, event }}
          allowedValues={attribute?.allowedValues ?? null}
        />
      )}
      {info?.takesIgnoreCase && attribute?.type === "STRING" && (
        <label className="inline">
          <input
            type="checkbox"
            checked={ignoreCase ?? false}
            onChange={(next) => change({ ignoreCase: next.target.checked })}
          />
          ignore case
        </label>
      )}
    </>
  );
}

function AttributeOptions({ attributes }: { attributes: AttributeInfo[] }) {
  return attributes.map(({ path, label }) => (
    <option key={path} value={path}>
      {label}
    </option>
  ));
}
