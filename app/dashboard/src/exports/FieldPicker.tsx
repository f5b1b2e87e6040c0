import { useQuery } from "@tanstack/react-query";
import { useId, useRef, useState } from "react";
import { focusNeighbor } from "../ui/focusNeighbor";
import { formatNumber } from "../ui/formats";
import { Problem } from "../ui/Problem";
import { ChosenFields } from "./ChosenFields";
import { type FieldGroup, findFields } from "./fields";
import { type ExportField, exportFieldsQuery } from "./queries";

// Thousands of metadata keys would delay each key.
const MAX_SHOWN_PER_GROUP = 50;

interface Props {
  /** The paths of the chosen columns, in order. */
  chosen: string[];
  onChange: (chosen: string[]) => void;
}

/** The columns of an export in two lists: the available ones by group, and the chosen ones in order. */
export function FieldPicker({ chosen, onChange }: Props) {
  const { data: fields, error, refetch } = useQuery(exportFieldsQuery);
  const [search, setSearch] = useState("");
  const heading = useId();
  const searchField = useRef<HTMLInputElement>(null);
  if (error) return <Problem error={error} onRetry={refetch} />;
  if (!fields) return <p className="waiting">Loading the columns …</p>;
  const groups = findFields(fields, search, chosen);

  const focusSearch = () => searchField.current?.focus();

  function add(path: string, button: HTMLButtonElement) {
    focusNeighbor(button.closest("li"), focusSearch);
    onChange([...chosen, path]);
  }
  return (
    <div className="field-picker">
      <section aria-labelledby={heading}>
        <h2 id={heading}>Available columns</h2>
        <label>
          Search a column
          <input
            type="search"
            ref={searchField}
            value={search}
            onChange={({ target }) => setSearch(target.value)}
          />
        </label>
        {groups.length === 0 && <p className="hint">No other column is found.</p>}
        {groups.map((group) => (
          <AvailableFields key={group.name} group={group} onAdd={add} />
        ))}
      </section>
      <ChosenFields
        chosen={chosen}
        labels={new Map(fields.map(({ path, label }) => [path, label]))}
        onChange={onChange}
        onLostFocus={focusSearch}
      />
    </div>
  );
}

interface AvailableFieldsProps {
  group: FieldGroup;
  onAdd: (path: string, button: HTMLButtonElement) => void;
}

function AvailableFields({ group, onAdd }: AvailableFieldsProps) {
  const hiddenCount = group.fields.length - MAX_SHOWN_PER_GROUP;
  return (
    <>
      <h3>{group.name}</h3>
      <ul>
        {group.fields.slice(0, MAX_SHOWN_PER_GROUP).map((field) => (
          <AvailableField key={field.path} field={field} onAdd={onAdd} />
        ))}
      </ul>
      {hiddenCount > 0 && (
        <p className="hint">{formatNumber(hiddenCount)} more: type to find them.</p>
      )}
    </>
  );
}

interface AvailableFieldProps extends Pick<AvailableFieldsProps, "onAdd"> {
  field: ExportField;
}

function AvailableField({ field: { path, label }, onAdd }: AvailableFieldProps) {
  return (
    <li>
      <button
        type="button"
        aria-label={`Add ${label}`}
        title={path}
        onClick={({ currentTarget }) => onAdd(path, currentTarget)}
      >
        + {label}
      </button>
    </li>
  );
}
