import { useInfiniteQuery } from "@tanstack/react-query";
import { CustomerLink } from "../customers/CustomerLink";
import { formatInstant } from "../ui/formats";
import { PagedList } from "../ui/PagedList";
import { Table } from "../ui/Table";
import { membersQuery, type ShownSegment } from "./queries";

/** The members of the segment, page by page. */
export function Members({ segment }: { segment: ShownSegment }) {
  const query = useInfiniteQuery(membersQuery(segment.id));
  const members = query.data?.pages.flatMap((page) => page?.edges ?? []) ?? [];
  const isActive = segment.kind === "ACTIVE";
  const columns = ["Name", "Source id", "Email", ...(isActive ? ["Entered"] : [])];
  return (
    <PagedList
      query={query}
      isEmpty={members.length === 0}
      waiting="Loading members …"
      empty="No customer is in this segment."
    >
      <Table caption="Members" columns={columns}>
        {members.map(({ node: customer, enteredAt }) => (
          <tr key={customer.id}>
            <th scope="row">
              <CustomerLink customer={customer} />
            </th>
            <td>{customer.sourceId}</td>
            <td>{customer.email ?? "–"}</td>
            {isActive && <td>{enteredAt ? formatInstant(enteredAt) : "before it was active"}</td>}
          </tr>
        ))}
      </Table>
    </PagedList>
  );
}
