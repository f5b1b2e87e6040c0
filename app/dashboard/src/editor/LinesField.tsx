import { useState } from "react";
import { useProblemAttributes } from "../ui/fieldProblem";
import { toText } from "../ui/numberText";

interface Props {
  label: string;
  values: readonly unknown[];
  parse: (text: string) => unknown[];
  onChange: (values: unknown[]) => void;
  onDone: () => void;
}

/** All values as text. A comma is part of its value here. */
export function LinesField({ label, values, parse, onChange, onDone }: Props) {
  const [typed, setTyped] = useState("");
  // The values may have changed otherwise: an undone edit changes them, too.
  const isTyped = JSON.stringify(parse(typed)) === JSON.stringify(values);
  return (
    <div className="list-field">
      <textarea
        // biome-ignore lint/a11y/noAutofocus: the button that opened it is gone.
        autoFocus
        {...useProblemAttributes()}
        aria-label={label}
        rows={10}
        value={isTyped ? typed : values.map(toText).join("\n")}
        onChange={({ target }) => {
          setTyped(target.value);
          onChange(parse(target.value));
        }}
      />
      <button type="button" onClick={onDone}>
        Done
      </button>
    </div>
  );
}
