import { type KeyboardEvent, useLayoutEffect, useRef, useState } from "react";
import { toText } from "../ui/numberText";

interface Props {
  label: string;
  values: readonly unknown[];
  onRemove: (value: unknown) => void;
  /** Is called when the last value is removed, whose button had the focus. */
  onEmpty: () => void;
}

/** Values, each with a button that removes it. Arrow keys go from one to the next. */
export function Chips({ label, values, onRemove, onEmpty }: Props) {
  const list = useRef<HTMLUListElement>(null);
  const [current, setCurrent] = useState(0);
  const hasRemoved = useRef(false);
  const shown = [...new Set(values)];
  const active = Math.min(current, shown.length - 1);
  useLayoutEffect(() => {
    if (!hasRemoved.current) return;
    hasRemoved.current = false;
    if (shown.length > 0) focusButton(active);
    else onEmpty();
  });

  function focusButton(index: number) {
    list.current?.querySelectorAll("button")[index]?.focus();
  }
  function remove(value: unknown) {
    hasRemoved.current = true;
    onRemove(value);
  }
  function handleKey(event: KeyboardEvent, value: unknown) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Delete" || event.key === "Backspace") remove(value);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    focusButton((active + step + shown.length) % shown.length);
  }
  if (shown.length === 0) return null;
  return (
    <ul ref={list} className="chips" aria-label={label}>
      {shown.map((value, index) => (
        <li key={JSON.stringify(value)} className="chip">
          {toText(value)}
          <button
            type="button"
            aria-label={`Remove ${toText(value)}`}
            // Tab passes all of them at once.
            tabIndex={index === active ? 0 : -1}
            onFocus={() => setCurrent(index)}
            onKeyDown={(event) => handleKey(event, value)}
            onClick={() => remove(value)}
          >
            ×
          </button>
        </li>
      ))}
    </ul>
  );
}
