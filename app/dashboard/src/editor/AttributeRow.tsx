import { useEffect, useRef } from "react";
import { AttributePicker } from "./AttributePicker";
import { ConditionFields, type ConditionProps } from "./ConditionFields";
import { useCatalog } from "./catalog";

/** A condition on an attribute of the customer. */
export function AttributeRow({ node, onChange }: ConditionProps) {
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
