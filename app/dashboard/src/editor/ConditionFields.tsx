import type { ReactNode, RefObject } from "react";
import type { AttributeNode } from "../filter/node";
import type { AttributeCondition, Operator } from "../filter/types";
import { Select } from "../ui/Select";
import { AmountHint } from "./AmountHint";
import { type AttributeInfo, useCatalog } from "./catalog";
import { ConditionField } from "./NodeProblems";
import { OperatorOptions } from "./OperatorOptions";
import { ValueField } from "./ValueField";

export interface ConditionProps {
  node: AttributeNode;
  onChange: (node: AttributeNode) => void;
}

interface ConditionFieldsProps extends ConditionProps {
  attributes: AttributeInfo[];
  /** The event whose properties the attributes are. */
  event?: string;
  operatorField?: RefObject<HTMLSelectElement | null>;
  /** The control that chooses the attribute. */
  children: ReactNode;
}

/** What chooses the attribute, the operator and the value. */
export function ConditionFields(props: ConditionFieldsProps) {
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
      <ConditionField name="path">{children}</ConditionField>
      {path && (
        <ConditionField name="operator">
          <Select
            ref={operatorField}
            aria-label="Operator"
            value={operator ?? ""}
            onChange={({ target }) => chooseOperator(target.value as Operator)}
          >
            <option value="" disabled>
              Choose an operator
            </option>
            <OperatorOptions names={attribute?.operatorNames ?? []} chosen={operator} />
          </Select>
        </ConditionField>
      )}
      {path && info && (
        <ConditionField name="value">
          <AmountHint kind={info.operand} path={path} event={event}>
            <ValueField
              key={operator}
              kind={info.operand}
              type={attribute?.type ?? "STRING"}
              value={value}
              onChange={(next) => change({ value: next })}
              source={{ path, event }}
              allowedValues={attribute?.allowedValues ?? null}
            />
          </AmountHint>
        </ConditionField>
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
