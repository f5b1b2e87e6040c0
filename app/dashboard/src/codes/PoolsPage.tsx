import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { useIsAdmin } from "../access/viewer";
import { routes } from "../routes";
import { formatCount } from "../ui/formats";
import { Problem } from "../ui/Problem";
import { Table } from "../ui/Table";
import { CodeSearch } from "./CodeSearch";
import { CodesLeft } from "./CodesLeft";
import { PoolForm } from "./PoolForm";
import { PoolUses } from "./PoolUses";
import { codePoolsQuery } from "./queries";

/** The pools of codes to give away. */
export function PoolsPage() {
  const { data: pools, error, refetch } = useQuery(codePoolsQuery);
  const isAdmin = useIsAdmin();
  return (
    <>
      <title>Code pools · Customer segments</title>
      <h1>Code pools</h1>
      <p>
        A pool has codes to give away, each of them once. Distributions send them, and referral
        programs give them as a reward.
      </p>
      {error && <Problem error={error} onRetry={refetch} />}
      {!pools && !error && <p className="waiting">Loading the code pools …</p>}
      {pools?.length === 0 && <p>There are no code pools yet.</p>}
      {pools && pools.length > 0 && (
        <Table
          caption={formatCount(pools.length, "code pool")}
          columns={["Name", "Codes left", "Used by"]}
        >
          {pools.map((pool) => (
            <tr key={pool.id}>
              <th scope="row">
                <Link href={routes.codePool(pool.id)}>{pool.name}</Link>
              </th>
              <td>
                <CodesLeft pool={pool} />
              </td>
              <td>
                <PoolUses uses={pool.usedBy} />
              </td>
            </tr>
          ))}
        </Table>
      )}
      {pools && pools.length > 0 && <CodeSearch />}
      {isAdmin && pools && <PoolForm />}
    </>
  );
}
