import { Combobox } from "../ui/Combobox";
import { type Customer, customerSearch } from "./queries";

interface Props {
  label: string;
  isLabelShown?: boolean;
  /** The name of the chosen customer. */
  value: string;
  onChoose: (customer: Customer) => void;
}

/** A field that searches customers, of whom the user chooses one. */
export function CustomerCombobox(props: Props) {
  return (
    <Combobox
      placeholder="Name, email, phone or source id"
      search={customerSearch}
      {...props}
      renderItem={({ name, sourceId, email }) => (
        <>
          {name ?? sourceId}
          <span className="sentence">{[name && sourceId, email].filter(Boolean).join(", ")}</span>
        </>
      )}
    />
  );
}
