import { useMutation } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { Problem } from "../ui/Problem";
import { announce } from "../ui/Status";
import { keepPresets, readPresets, withoutPreset, withPreset } from "./presets";

interface Props {
  /** The chosen columns. */
  fields: string[];
  onChoose: (fields: string[]) => void;
}

/** Columns that this browser keeps under names. */
export function PresetForm({ fields, onChoose }: Props) {
  const [presets, setPresets] = useState(readPresets);
  const [chosenName, setChosenName] = useState("");
  const [newName, setNewName] = useState("");
  const nameField = useRef<HTMLInputElement>(null);
  const change = useMutation({
    mutationFn: async (next: typeof presets) => keepPresets(next),
    onSuccess: (_, next) => setPresets(next),
  });
  const canKeep = newName.trim() !== "" && fields.length > 0;

  function choose(name: string) {
    setChosenName(name);
    const preset = presets.find((other) => other.name === name);
    if (preset) onChoose(preset.fields);
  }
  function keep() {
    const name = newName.trim();
    change.mutate(withPreset(presets, { name, fields }));
    setChosenName(name);
    setNewName("");
    announce(`The columns are kept as ${name}.`);
  }
  function forget() {
    // The button that has the focus is about to go.
    nameField.current?.focus();
    change.mutate(withoutPreset(presets, chosenName));
    setChosenName("");
  }
  return (
    <form
      className="toolbar"
      onSubmit={(event) => {
        event.preventDefault();
        if (canKeep) keep();
      }}
    >
      {change.error && <Problem error={change.error} />}
      {presets.length > 0 && (
        <label>
          Kept columns
          <select value={chosenName} onChange={({ target }) => choose(target.value)}>
            <option value="">Choose</option>
            {presets.map(({ name }) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
      )}
      {chosenName && (
        <button type="button" onClick={forget}>
          Forget “{chosenName}”
        </button>
      )}
      <label>
        Keep these columns as
        <input
          ref={nameField}
          value={newName}
          onChange={({ target }) => setNewName(target.value)}
        />
      </label>
      <button type="submit" aria-disabled={!canKeep}>
        Keep
      </button>
    </form>
  );
}
