import { useInfiniteQuery } from "@tanstack/react-query";
import { useIsAdmin } from "../access/viewer";
import { formatCount, formatInstant, formatNumber, formatSigned } from "../ui/formats";
import { PagedList } from "../ui/PagedList";
import { Table } from "../ui/Table";
import { AdjustPointsForm } from "./AdjustPointsForm";
import { ledgerQuery } from "./queries";

/** The points of a customer, where they come from, and a form that adjusts them. */
export function CustomerPoints({ sourceId }: { sourceId: string }) {
  const query = useInfiniteQuery(ledgerQuery(sourceId));
  const isAdmin = useIsAdmin();
  const pages = query.data?.pages ?? [];
  const entries = pages.flatMap((page) => page?.nodes ?? []);
  const total = pages[0]?.points;
  return (
    <>
      {total !== undefined && <p>{formatCount(total, "point")} in all programs</p>}
      {isAdmin && <AdjustPointsForm sourceId={sourceId} />}
      <PagedList
        query={query}
        isEmpty={entries.length === 0}
        waiting="Loading the ledger …"
        empty="The customer has not got any points yet."
      >
        <Table
          caption="Ledger, the newest first"
          columns={["When", "Points", "Balance", "Program", "Why"]}
        >
          {entries.map(({ id, at, points, balance, program, rule, reason }) => (
            <tr key={id}>
              <td>{formatInstant(at)}</td>
              <td>{formatSigned(points)}</td>
              <td>{formatNumber(balance)}</td>
              <td>{program.name}</td>
              <td>{reason ?? rule?.name ?? "A referral, or a rule that is deleted"}</td>
            </tr>
          ))}
        </Table>
      </PagedList>
    </>
  );
}
