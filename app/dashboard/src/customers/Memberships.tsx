import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Problem } from "../ui/Problem";
import { MembershipTable } from "./MembershipTable";
import { membershipsQuery } from "./profileQueries";

/** The segments that a customer is in, and those that they are not in: why, and until when. */
export function Memberships({ sourceId }: { sourceId: string }) {
  const [search, setSearch] = useState("");
  const { data, error, refetch } = useQuery(membershipsQuery(sourceId, null));
  if (error) return <Problem error={error} onRetry={refetch} />;
  if (!data) return <p className="waiting">Evaluating the segments …</p>;
  if (data.length === 0) return <p>There are no segments yet.</p>;
  const found = data.filter(({ segment }) =>
    segment.name.toLowerCase().includes(search.trim().toLowerCase()),
  );
  return (
    <>
      <search className="toolbar">
        <label>
          Search by name of the segment
          <input type="search" value={search} onChange={({ target }) => setSearch(target.value)} />
        </label>
      </search>
      <MembershipTable
        title="In"
        memberships={found.filter(({ isMember }) => isMember)}
        sourceId={sourceId}
        overrides={null}
      />
      <MembershipTable
        title="Not in"
        memberships={found.filter(({ isMember }) => !isMember)}
        sourceId={sourceId}
        overrides={null}
      />
    </>
  );
}
