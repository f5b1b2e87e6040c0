import { useQuery } from "@tanstack/react-query";
import { formatCount } from "../ui/formats";
import { codePoolsQuery } from "./queries";

interface Props {
  label: string;
  /** The id of the chosen pool; empty without one. */
  value: string;
  onChange: (id: string) => void;
  required?: boolean;
}

/** A choice of a code pool, or of none where that is allowed. */
export function PoolSelect({ label, value, onChange, required = false }: Props) {
  const { data: pools, error } = useQuery(codePoolsQuery);
  return (
    <label>
      {label}
      <select required={required} value={value} onChange={({ target }) => onChange(target.value)}>
        <option value="">{required ? "Choose a code pool" : "None"}</option>
        {pools?.map(({ id, name, availableCount }) => (
          <option key={id} value={id}>
            {name} ({formatCount(availableCount, "code")} left)
          </option>
        ))}
      </select>
      {error && <span className="field-problem">{error.message}</span>}
    </label>
  );
}
