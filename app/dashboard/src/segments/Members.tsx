import { useInfiniteQuery } from "@tanstack/react-query";
import { CustomerLink } from "../customers/CustomerLink";
import { formatInstant } from "../ui/formats";
import { Problem } from "../ui/Problem";
import { ShowMore } from "../ui/ShowMore";
import { membersQuery, type ShownSegment } from "./queries";

/** The members of the segment, page by page. */
export function Members({ segment }: { segment: ShownSegment }) {
  const query = useInfiniteQuery(membersQuery(segment.id));
  const problem = query.error && <Problem error={query.error} onRetry={() => query.refetch()} />;
  if (!query.data) return problem ?? <p className="waiting">Loading members …</p>;
  const members = query.data.pages.flatMap((page) => page?.edges ?? []);
  const isActive = segment.kind === "ACTIVE";
  if (members.length === 0) return <p>No customer is in this segment.</p>;
  return (
    <>
      {problem}
      <div className="table-box">
        <table>
          <caption>Members</caption>
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Source id</th>
              <th scope="col">Email</th>
              {isActive && <th scope="col">Entered</th>}
            </tr>
          </thead>
          <tbody>
            {members.map(({ node: customer, enteredAt }) => (
              <tr key={customer.id}>
                <th scope="row">
                  <CustomerLink customer={customer} />
                </th>
                <td>{customer.sourceId}</td>
                <td>{customer.email ?? "–"}</td>
                {isActive && (
                  <td>{enteredAt ? formatInstant(enteredAt) : "before it was active"}</td>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <ShowMore query={query} />
    </>
  );
}
