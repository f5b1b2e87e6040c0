import "./exports.css";
import { FieldPicker } from "./FieldPicker";
import { PresetForm } from "./PresetForm";

interface Props {
  /** The paths of the chosen columns, in order. */
  fields: string[];
  onChange: (fields: string[]) => void;
}

/** Chooses the columns of an export: one by one, or those that are kept under a name. */
export function ColumnForm({ fields, onChange }: Props) {
  return (
    <>
      <FieldPicker chosen={fields} onChange={onChange} />
      <PresetForm fields={fields} onChoose={onChange} />
    </>
  );
}
