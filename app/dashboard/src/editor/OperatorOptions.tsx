import { groupOperators } from "../filter/operators";
import type { Operator } from "../filter/types";
import { useCatalog } from "./catalog";

/** The options of a choice of operators: in groups if there are several. */
export function OperatorOptions({ names }: { names: readonly Operator[] }) {
  const { operators } = useCatalog();
  const groups = groupOperators(names.flatMap((name) => operators.get(name) ?? []));
  return groups.map(({ heading, members }) => {
    const options = members.map(({ operator, label }) => (
      <option key={operator} value={operator}>
        {label}
      </option>
    ));
    return groups.length === 1 ? (
      options
    ) : (
      <optgroup key={heading} label={heading}>
        {options}
      </optgroup>
    );
  });
}
