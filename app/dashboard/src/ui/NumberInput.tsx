import type { ComponentProps } from "react";

interface Props extends Omit<ComponentProps<"input">, "onChange" | "type" | "value"> {
  label: string;
  /** The text of the number as it is typed. */
  value: string;
  onChange: (value: string) => void;
}

/** A number in a form, with its label. */
export function NumberInput({ label, onChange, ...input }: Props) {
  return (
    <label>
      {label}
      <input type="number" {...input} onChange={({ target }) => onChange(target.value)} />
    </label>
  );
}
