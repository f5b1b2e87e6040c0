import { type ReactNode, type RefObject, useEffect, useRef } from "react";
import type { AttributeNode } from "../filter/node";
import type { AttributeCondition, Operator } from "../filter/types";
import { AttributePicker } from "./AttributePicker";
import { type AttributeInfo, useCatalog } from "./catalog";
import { ValueField } from "./ValueField";

interface Props {
  node: AttributeNode;
  onChange: (node: AttributeNode) => void;
}

/** A condition on an attribute of the customer. */
export function AttributeRow({ node, onChange }: Props) {
  const { attributes } = useCatalog();
  const operatorField = useRef<HTMLSelectElement>(null);
  const hasChosen = useRef(false);
  useEffect(() => {
    if (!hasChosen.current) return;
    hasChosen.current = false;
    operatorField.current?.focus();
  });
  return (
    <ConditionFields
      node={node}
      attributes={attributes}
      operatorField={operatorField}
      onChange={onChange}
    >
      <AttributePicker
        path={node.condition.path}
        onChoose={(path) => {
          hasChosen.current = path !== node.condition.path;
          if (hasChosen.current) onChange({ ...node, condition: { path } });
          else operatorField.current?.focus();
        }}
      />
    </ConditionFields>
  );
}

/** A condition on a property of an event. */
export function PropertyRow({
  event,
  properties,
  ...row
}: Props & { event: string; properties: AttributeInfo[] }) {
  const { path } = row.node.condition;
  return (
    <ConditionFields {...row} event={event} attributes={properties}>
      <select
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
      </select>
    </ConditionFields>
  );
}

interface ConditionFieldsProps extends Props {
  attributes: AttributeInfo[];
  /** The event whose properties the attributes are. */
  event?: string;
  operatorField?: RefObject<HTMLSelectElement | null>;
  /** The control that chooses the attribute. */
  children: ReactNode;
}

/** What chooses the attribute, the operator and the value. */
function ConditionFields(props: ConditionFieldsProps) {
  const { node, attributes, event, operatorField, children, onChange } = props;
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
      {children}
      {path && (
        <select
          ref={operatorField}
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
