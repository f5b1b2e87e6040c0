import { useId } from "react";
import { CustomerCombobox } from "../customers/CustomerCombobox";
import { nameOf } from "../customers/nameOf";
import type { Customer } from "../customers/queries";
import { formatInstant } from "../ui/formats";
import { useAnnouncement } from "../ui/Status";
import type { useJudgement } from "./useJudgement";

interface Props {
  customer: Customer | null;
  onChoose: (customer: Customer) => void;
  judgement: ReturnType<typeof useJudgement>;
}

/** Whether a chosen customer meets the filter. The conditions say why. */
export function TryCustomer({ customer, onChoose, judgement }: Props) {
  const heading = useId();
  const { data, error } = judgement;
  const verdict =
    customer && data && `${nameOf(customer)} ${data.holds ? "meets" : "does not meet"} the filter.`;
  useAnnouncement(verdict);
  return (
    <section aria-labelledby={heading}>
      <h2 id={heading}>Try with a customer</h2>
      <CustomerCombobox label="Customer to try" customer={customer} onChoose={onChoose} />
      {customer && error && <p className="field-problem">{error.message}</p>}
      {customer && data && (
        <p>
          {data.holds ? "✓" : "✗"} {verdict}
          {data.changesAt && ` That changes on ${formatInstant(data.changesAt)}.`}
        </p>
      )}
    </section>
  );
}
