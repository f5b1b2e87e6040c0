import type { ComponentProps } from "react";
import { NumberField } from "./NumberField";

interface Props extends Omit<ComponentProps<typeof NumberField>, "value" | "onChange"> {
  /** The number as JavaScript writes it; empty without one. */
  value: string;
  onChange: (value: string) => void;
}

/** A number in a form, with its label: a whole one, unless the form says otherwise. */
export function NumberInput({ value, onChange, ...field }: Props) {
  return (
    <NumberField
      isLabelShown
      isWhole
      {...field}
      value={value ? Number(value) : undefined}
      onChange={(number) =>
        onChange(number === undefined || Number.isNaN(number) ? "" : `${number}`)
      }
    />
  );
}
