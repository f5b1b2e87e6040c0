import { groupOperators } from "../filter/operators";
import type { Operator } from "../filter/types";
import { useCatalog } from "./catalog";

interface Props {
  names: readonly Operator[];
  /** An option although it may not be one of the names: a select without it shows another one. */
  chosen: Operator | undefined;
}

/** The options of a choice of operators: in groups if there are several. */
export function OperatorOptions({ names, chosen }: Props) {
  const { operators } = useCatalog();
  const shown = !chosen || names.includes(chosen) ? names : [...names, chosen];
  const groups = groupOperators(shown.flatMap((name) => operators.get(name) ?? []));
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
