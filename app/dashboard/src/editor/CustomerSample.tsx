import { CustomerLink } from "../customers/CustomerLink";
import type { NamedCustomer } from "../customers/nameOf";

interface Props {
  customers: readonly (NamedCustomer & { id: string })[];
}

/** A few customers, with links to their pages. */
export function CustomerSample({ customers }: Props) {
  return (
    <ul>
      {customers.map((customer) => (
        <li key={customer.id}>
          <CustomerLink customer={customer} />
        </li>
      ))}
    </ul>
  );
}
