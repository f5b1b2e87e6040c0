import { type ComponentProps, useId, useState } from "react";
import { isInstant, LAST_DAY } from "../filter/localTime";
import { useProblemAttributes } from "../ui/fieldProblem";
import { NumberField } from "../ui/NumberField";
import { toText } from "../ui/numberText";
import { Select } from "../ui/Select";
import type { AttributeType } from "./catalog";
import { InstantField, ZoneName } from "./InstantField";
import { type Source, Suggestions } from "./Suggestions";

const DAY = /^(\d{4}-\d\d-\d\d)?$/;

interface FieldProps {
  label: string;
  value: unknown;
  onChange: (value: unknown) => void;
}

interface ScalarFieldProps extends FieldProps {
  type: AttributeType;
  /** Whether a number must be whole. */
  isWhole?: boolean | undefined;
  source?: Source | undefined;
  allowedValues?: readonly unknown[] | null | undefined;
}

/** One value of the type. */
export function ScalarField({ type, isWhole, allowedValues, ...field }: ScalarFieldProps) {
  if (allowedValues) return <ChoiceField {...field} choices={allowedValues} />;
  if (type === "BOOLEAN") return <ChoiceField {...field} choices={[true, false]} />;
  if (type === "NUMBER") return <NumberValueField {...field} isWhole={isWhole} />;
  if (type === "DATE" || type === "DATETIME") return <MomentField {...field} />;
  return <TextField {...field} />;
}

/** A day, or a day and a time. */
function MomentField(field: FieldProps) {
  const [hasTime] = useState(isInstant(field.value));
  const text = String(field.value ?? "");
  // A field that is emptied stays the same: another one would not have the focus.
  if (isInstant(text) || (hasTime && !text)) return <InstantField {...field} value={text} />;
  if (DAY.test(text)) return <DayField {...field} />;
  return <TextField {...field} />;
}

/** A number. A value that is none, like a text, is shown as no number. */
export function NumberValueField({
  value,
  ...field
}: FieldProps & Pick<ComponentProps<typeof NumberField>, "isWhole">) {
  const number = typeof value === "number" ? value : undefined;
  return <NumberField {...field} placeholder={field.label} value={number} />;
}

function ChoiceField({
  label,
  value,
  onChange,
  choices,
}: FieldProps & { choices: readonly unknown[] }) {
  return (
    <Select
      aria-label={label}
      value={JSON.stringify(value) ?? ""}
      onChange={({ target }) => onChange(target.value ? JSON.parse(target.value) : undefined)}
    >
      <option value="">Choose a value</option>
      {choices.map((choice) => (
        <option key={JSON.stringify(choice)} value={JSON.stringify(choice)}>
          {toText(choice)}
        </option>
      ))}
    </Select>
  );
}

function DayField({ label, value, onChange }: FieldProps) {
  return (
    <>
      <input
        type="date"
        max={LAST_DAY}
        {...useProblemAttributes()}
        aria-label={label}
        value={String(value ?? "")}
        onChange={(event) => onChange(event.target.value || undefined)}
      />
      <ZoneName />
    </>
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
        {...useProblemAttributes()}
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
