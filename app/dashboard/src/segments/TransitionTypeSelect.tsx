import { TRANSITION_NAMES, type TransitionType } from "./words";

interface Props {
  /** Null for both types. */
  type: TransitionType | null;
  onChange: (type: TransitionType | null) => void;
}

/** Chooses which transitions are shown. */
export function TransitionTypeSelect({ type, onChange }: Props) {
  return (
    <label>
      Transition
      <select
        value={type ?? ""}
        onChange={({ target }) => onChange((target.value || null) as TransitionType | null)}
      >
        <option value="">All</option>
        {Object.entries(TRANSITION_NAMES).map(([value, name]) => (
          <option key={value} value={value}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
