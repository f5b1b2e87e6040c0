import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";
import { request } from "../api/request";
import { useDebounced } from "../ui/useDebounced";
import type { AttributeType } from "./catalog";
import { SuggestValues } from "./operations";

const TYPING_PAUSE_MS = 200;
const DAY = /^(\d{4}-\d\d-\d\d)?$/;

/** The attribute of customers, or the property of an event, whose values are suggested. */
export interface Source {
  path: string;
  event?: string | undefined;
}

interface FieldProps {
  label: string;
  value: unknown;
  onChange: (value: unknown) => void;
}

interface ScalarFieldProps extends FieldProps {
  type: AttributeType;
  source?: Source | undefined;
  allowedValues?: readonly unknown[] | null | undefined;
}

/** One value of the type. */
export function ScalarField({ type, allowedValues, ...field }: ScalarFieldProps) {
  if (allowedValues) return <ChoiceField {...field} choices={allowedValues} />;
  if (type === "BOOLEAN") return <ChoiceField {...field} choices={[true, false]} />;
  if (type === "NUMBER") return <NumberField {...field} />;
  const isDay = DAY.test(String(field.value ?? ""));
  if ((type === "DATE" || type === "DATETIME") && isDay) return <DayField {...field} />;
  return <TextField {...field} />;
}

export function NumberField({ label, value, onChange }: FieldProps) {
  return (
    <input
      type="number"
      step="any"
      aria-label={label}
      placeholder={label}
      value={typeof value === "number" ? value : ""}
      onChange={({ target }) => onChange(target.value === "" ? undefined : target.valueAsNumber)}
    />
  );
}

/** The values, one a line; pasted commas, semicolons and tabs separate, too. */
export function ListField({ label, type, value, onChange }: FieldProps & { type: AttributeType }) {
  const [typed, setTyped] = useState("");
  // The value may have changed otherwise: an undone edit changes it, too.
  const isTyped = JSON.stringify(parseList(typed, type)) === JSON.stringify(value ?? []);
  const text = isTyped || !Array.isArray(value) ? typed : value.join("\n");
  return (
    <textarea
      aria-label={label}
      placeholder={label}
      rows={3}
      value={text}
      onChange={({ target }) => {
        setTyped(target.value);
        onChange(parseList(target.value, type));
      }}
    />
  );
}

function parseList(text: string, type: AttributeType): unknown[] {
  const lines = text.split(/[\n,;\t]/).map((line) => line.trim());
  return lines.filter(Boolean).map((line) => (type === "NUMBER" ? Number(line) : line));
}

function ChoiceField({
  label,
  value,
  onChange,
  choices,
}: FieldProps & { choices: readonly unknown[] }) {
  return (
    <select
      aria-label={label}
      value={JSON.stringify(value) ?? ""}
      onChange={({ target }) => onChange(target.value ? JSON.parse(target.value) : undefined)}
    >
      <option value="">Choose a value</option>
      {choices.map((choice) => (
        <option key={JSON.stringify(choice)} value={JSON.stringify(choice)}>
          {String(choice)}
        </option>
      ))}
    </select>
  );
}

function DayField({ label, value, onChange }: FieldProps) {
  return (
    <input
      type="date"
      aria-label={label}
      value={String(value ?? "")}
      onChange={(event) => onChange(event.target.value || undefined)}
    />
  );
}

function TextField({
  label,
  value,
  onChange,
  source,
}: FieldProps & { source?: Source | undefined }) {
  const [isFocused, setFocused] = useState(false);
  const listId = useId();
  const text = String(value ?? "");
  return (
    <>
      <input
        type="text"
        aria-label={label}
        placeholder={label}
        list={isFocused && source ? listId : undefined}
        value={text}
        onFocus={() => setFocused(true)}
        onBlur={() => setFocused(false)}
        onChange={(event) => onChange(event.target.value || undefined)}
      />
      {isFocused && source && <Suggestions id={listId} source={source} prefix={text} />}
    </>
  );
}

function Suggestions({ id, source, prefix }: { id: string; source: Source; prefix: string }) {
  const variables = {
    ...source,
    event: source.event ?? null,
    prefix: useDebounced(prefix, TYPING_PAUSE_MS),
  };
  const { data } = useQuery({
    queryKey: ["suggestions", variables],
    queryFn: ({ signal }) => request(SuggestValues, variables, signal),
  });
  return (
    <datalist id={id}>
      {data?.filterValueSuggestions.map((suggestion) => (
        <option key={String(suggestion)} value={String(suggestion)} />
      ))}
    </datalist>
  );
}
