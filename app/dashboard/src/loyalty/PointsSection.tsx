import { useId, useState } from "react";
import { CustomerCombobox } from "../customers/CustomerCombobox";
import { CustomerLink } from "../customers/CustomerLink";
import type { Customer } from "../customers/queries";
import { CustomerPoints } from "./CustomerPoints";

/** The points of a customer whom the user chooses. */
export function PointsSection() {
  const [customer, setCustomer] = useState<Customer | null>(null);
  const heading = useId();
  return (
    <section aria-labelledby={heading}>
      <h2 id={heading}>Points of a customer</h2>
      <div className="toolbar">
        <CustomerCombobox
          label="Customer"
          isLabelShown
          customer={customer}
          onChoose={setCustomer}
        />
        {customer && <CustomerLink customer={customer} />}
      </div>
      {customer && <CustomerPoints key={customer.id} sourceId={customer.sourceId} />}
    </section>
  );
}
