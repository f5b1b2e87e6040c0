interface Props {
  label: string;
  programs: readonly { id: string; name: string }[];
  /** The id of the chosen program; empty without one. */
  value: string;
  onChange: (id: string) => void;
}

/** A choice of a loyalty program. */
export function ProgramSelect({ label, programs, value, onChange }: Props) {
  return (
    <label>
      {label}
      <select required value={value} onChange={({ target }) => onChange(target.value)}>
        {!value && <option value="">Choose a program</option>}
        {programs.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
