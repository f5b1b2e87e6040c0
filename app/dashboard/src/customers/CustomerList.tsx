import { type UseInfiniteQueryResult, useQuery } from "@tanstack/react-query";
import { formatCount } from "../ui/formats";
import { PagedList } from "../ui/PagedList";
import { useAnnouncement } from "../ui/Status";
import { Table } from "../ui/Table";
import { CustomerLink } from "./CustomerLink";
import { type CustomerPages, type CustomerSelection, customerCountQuery } from "./queries";

interface Props {
  query: UseInfiniteQueryResult<CustomerPages>;
  selection: CustomerSelection;
}

/** The selected customers, page by page, with links to their pages. */
export function CustomerList({ query, selection }: Props) {
  const { data: count } = useQuery(customerCountQuery(selection));
  const total = count === undefined ? undefined : formatCount(count, "customer");
  useAnnouncement(total);
  const customers = query.data?.pages.flatMap(({ nodes }) => nodes) ?? [];
  return (
    <PagedList
      query={query}
      isEmpty={customers.length === 0}
      waiting="Loading customers …"
      empty="No customer is found."
    >
      <Table caption={total ?? "Counting …"} columns={["Name", "Source id", "Email"]}>
        {customers.map((customer) => (
          <tr key={customer.id}>
            <th scope="row">
              <CustomerLink customer={customer} />
            </th>
            <td>{customer.sourceId}</td>
            <td>{customer.email ?? "–"}</td>
          </tr>
        ))}
      </Table>
    </PagedList>
  );
}
