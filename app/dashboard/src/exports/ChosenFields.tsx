import { useId } from "react";
import { focusNeighbor } from "../ui/focusNeighbor";
import { DEFAULT_COLUMNS, movePath } from "./fields";

interface Props {
  /** The paths of the columns, in order. */
  chosen: string[];
  /** The names of columns by their paths. */
  labels: ReadonlyMap<string, string>;
  onChange: (chosen: string[]) => void;
  /** Is called before the only button goes that could take the focus. */
  onLostFocus: () => void;
}

/** The chosen columns, whose order the user changes. */
export function ChosenFields({ chosen, labels, onChange, onLostFocus }: Props) {
  const heading = useId();

  function remove(path: string, item: Element | null) {
    focusNeighbor(item, onLostFocus);
    onChange(chosen.filter((other) => other !== path));
  }
  return (
    <section aria-labelledby={heading}>
      <h2 id={heading}>Chosen columns, in the order of the file</h2>
      {chosen.length === 0 && <p className="hint">None chosen: the file has {DEFAULT_COLUMNS}.</p>}
      <ol>
        {chosen.map((path, index) => {
          const label = labels.get(path) ?? path;
          return (
            <li key={path}>
              <span>{label}</span>
              {/* Disabled buttons would lose the focus. */}
              <button
                type="button"
                aria-label={`Move ${label} up`}
                aria-disabled={index === 0}
                onClick={() => onChange(movePath(chosen, path, -1))}
              >
                ↑
              </button>
              <button
                type="button"
                aria-label={`Move ${label} down`}
                aria-disabled={index === chosen.length - 1}
                onClick={() => onChange(movePath(chosen, path, 1))}
              >
                ↓
              </button>
              <button
                type="button"
                aria-label={`Remove ${label}`}
                onClick={({ currentTarget }) => remove(path, currentTarget.closest("li"))}
              >
                ×
              </button>
            </li>
          );
        })}
      </ol>
    </section>
  );
}
