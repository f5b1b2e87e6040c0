import { useState } from "react";
import {
  DURATION_UNITS,
  type DurationUnit,
  formatDuration,
  parseDuration,
} from "../filter/duration";
import { Select } from "../ui/Select";
import { NumberValueField, ScalarField } from "./scalarFields";

interface Props {
  label?: string;
  value: unknown;
  onChange: (value: string | undefined) => void;
}

/** A number and its unit; a duration with several units as its text. */
export function DurationField({ label = "Duration", value, onChange }: Props) {
  const text = String(value ?? "");
  const duration = parseDuration(text);
  const [chosenUnit, setChosenUnit] = useState<DurationUnit>("days");
  if (text && !duration) {
    return (
      <ScalarField
        label={label}
        type="STRING"
        value={value}
        onChange={(next) => onChange(next as string | undefined)}
      />
    );
  }
  const { count, unit } = duration ?? { count: undefined, unit: chosenUnit };
  return (
    <>
      <NumberValueField
        label={label}
        value={count}
        onChange={(next) => {
          // The empty field has no duration that could keep the unit.
          setChosenUnit(unit);
          onChange(formatDuration({ count: next as number | undefined, unit }));
        }}
      />
      <Select
        aria-label={`Unit of: ${label}`}
        value={unit}
        onChange={({ target }) => {
          const next = target.value as DurationUnit;
          setChosenUnit(next);
          onChange(formatDuration({ count, unit: next }));
        }}
      >
        {Object.keys(DURATION_UNITS).map((name) => (
          <option key={name}>{name}</option>
        ))}
      </Select>
    </>
  );
}
