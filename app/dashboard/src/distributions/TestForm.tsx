import { useMutation } from "@tanstack/react-query";
import { useId, useState } from "react";
import { request, requireNoUserErrors } from "../api/request";
import { CustomerCombobox } from "../customers/CustomerCombobox";
import type { Customer } from "../customers/queries";
import { ActionButton } from "../ui/ActionButton";
import { Problem } from "../ui/Problem";
import { announce } from "../ui/Status";
import { TestDistribution } from "./operations";

/** Sends what the distribution sends, marked as a test, with the data of a chosen customer. */
export function TestForm({ distributionId }: { distributionId: string }) {
  const [customer, setCustomer] = useState<Customer | null>(null);
  const heading = useId();
  const test = useMutation({
    mutationFn: async (customerId: string) => {
      const variables = { id: distributionId, customer: { id: customerId } };
      const { distributionTest } = await request(TestDistribution, variables);
      requireNoUserErrors(distributionTest.userErrors);
      const { status, lastError } = distributionTest.delivery ?? {};
      return status === "DELIVERED"
        ? "The test is delivered."
        : `The test is not delivered: ${lastError}`;
    },
    onSuccess: announce,
  });
  return (
    <section aria-labelledby={heading}>
      <h2 id={heading}>Send a test</h2>
      {test.error && <Problem error={test.error} />}
      <div className="toolbar">
        <CustomerCombobox
          label="Customer whose data is sent"
          isLabelShown
          customer={customer}
          onChoose={setCustomer}
        />
        <ActionButton
          disabled={!customer}
          isPending={test.isPending}
          onClick={() => customer && test.mutate(customer.id)}
        >
          Send the test
        </ActionButton>
        {test.isPending && <span className="waiting">Waiting for the receiver …</span>}
        {test.data && <span>{test.data}</span>}
      </div>
    </section>
  );
}
