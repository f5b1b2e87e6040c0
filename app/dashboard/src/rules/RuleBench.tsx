import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";
import { CustomerCombobox } from "../customers/CustomerCombobox";
import { nameOf } from "../customers/nameOf";
import type { Customer } from "../customers/queries";
import { ExplanationTree } from "../explanations/ExplanationTree";
import type { Explanation } from "../explanations/explanation";
import { Problem } from "../ui/Problem";
import { useAnnouncement } from "../ui/Status";
import { type Rule, validationQuery } from "./queries";

/** Asks whether a customer may use what a rule guards. */
export function RuleBench({ rules }: { rules: readonly Rule[] }) {
  const [chosenId, setChosenId] = useState("");
  const [customer, setCustomer] = useState<Customer | null>(null);
  const heading = useId();
  const rule = rules.find(({ id }) => id === chosenId) ?? rules[0];
  return (
    <section aria-labelledby={heading}>
      <h2 id={heading}>Try with a customer</h2>
      <div className="toolbar">
        <label>
          Rule
          <select value={rule?.id} onChange={({ target }) => setChosenId(target.value)}>
            {rules.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <CustomerCombobox
          label="Customer"
          isLabelShown
          customer={customer}
          onChoose={setCustomer}
        />
      </div>
      {rule && customer && <Verdict ruleId={rule.id} customer={customer} />}
    </section>
  );
}

function Verdict({ ruleId, customer }: { ruleId: string; customer: Customer }) {
  const { data, error, refetch } = useQuery(validationQuery(ruleId, customer.id));
  const verdict = data && `${nameOf(customer)} may ${data.valid ? "" : "not "}use it.`;
  useAnnouncement(verdict);
  if (error) return <Problem error={error} onRetry={refetch} />;
  if (!data) return <p className="waiting">Evaluating …</p>;
  return (
    <>
      <p>
        {data.valid ? "✓" : "✗"} {verdict} {data.reason}
      </p>
      <ExplanationTree explanation={data.explanation as Explanation} />
    </>
  );
}
