import { type UseInfiniteQueryResult, useQuery } from "@tanstack/react-query";
import { formatCount } from "../ui/formats";
import { Problem } from "../ui/Problem";
import { ShowMore } from "../ui/ShowMore";
import { useAnnouncement } from "../ui/Status";
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
  const problem = query.error && <Problem error={query.error} onRetry={() => query.refetch()} />;
  if (!query.data) return problem ?? <p className="waiting">Loading customers …</p>;
  const customers = query.data.pages.flatMap(({ nodes }) => nodes);
  if (customers.length === 0) return problem ?? <p>No customer is found.</p>;
  return (
    <>
      {problem}
      <div className="table-box" aria-busy={query.isPlaceholderData}>
        <table>
          <caption>{total ?? "Counting …"}</caption>
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Source id</th>
              <th scope="col">Email</th>
            </tr>
          </thead>
          <tbody>
            {customers.map((customer) => (
              <tr key={customer.id}>
                <th scope="row">
                  <CustomerLink customer={customer} />
                </th>
                <td>{customer.sourceId}</td>
                <td>{customer.email ?? "–"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <ShowMore query={query} />
    </>
  );
}
