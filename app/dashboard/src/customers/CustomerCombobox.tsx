import { Combobox } from "../ui/Combobox";
import { type Customer, customerSearch } from "./queries";

interface Props {
  label: string;
  /** The name of the chosen customer. */
  value: string;
  onChoose: (customer: Customer) => void;
}

/** A field that searches customers, of whom the user chooses one. */
export function CustomerCombobox({ label, value, onChoose }: Props) {
  return (
    <Combobox
      label={label}
      value={value}
      placeholder="Name, email, phone or source id"
      search={customerSearch}
      onChoose={onChoose}
      renderItem={({ name, sourceId, email }) => (
        <>
          {name ?? sourceId}
          <span className="sentence">{[name && sourceId, email].filter(Boolean).join(", ")}</span>
        </>
      )}
    />
  );
}
