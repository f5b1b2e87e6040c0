import { Combobox } from "../ui/Combobox";
import { nameOf } from "./nameOf";
import { type Customer, customerSearch } from "./queries";

interface Props {
  label: string;
  isLabelShown?: boolean;
  /** The chosen one. */
  customer: Customer | null;
  onChoose: (customer: Customer) => void;
}

/** A field that searches customers, of whom the user chooses one. */
export function CustomerCombobox({ customer, ...props }: Props) {
  return (
    <Combobox
      placeholder="Name, email, phone or source id"
      search={customerSearch}
      value={customer ? nameOf(customer) : ""}
      renderItem={renderCustomer}
      {...props}
    />
  );
}

function renderCustomer(customer: Customer) {
  const { name, sourceId, email } = customer;
  return (
    <>
      {nameOf(customer)}
      <span className="sentence">{[name && sourceId, email].filter(Boolean).join(", ")}</span>
    </>
  );
}
