import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useCanWrite } from "../access/viewer";
import { PagedList } from "../ui/PagedList";
import { Table } from "../ui/Table";
import { ExportForm } from "./ExportForm";
import { ExportRow } from "./ExportRow";
import { exportFieldsQuery, exportsQuery, listExports } from "./queries";
import { findFollowed, usePollInterval } from "./useExportProgress";

/** Starts exports of a segment, and lists them. */
export function Exports({ segment }: { segment: { id: string } }) {
  const canWrite = useCanWrite();
  const pollInterval = usePollInterval();
  const query = useInfiniteQuery({
    ...exportsQuery(segment.id),
    refetchInterval: ({ state }) => pollInterval(state.data),
  });
  const { data: fields } = useQuery(exportFieldsQuery);
  const labels = new Map(fields?.map(({ path, label }) => [path, label]));
  const rows = listExports(query.data);
  const followed = findFollowed(rows);
  return (
    <>
      {canWrite && <ExportForm segmentId={segment.id} labels={labels} />}
      <PagedList
        query={query}
        isEmpty={rows.length === 0}
        waiting="Loading the exports …"
        empty="There are no exports of this segment."
      >
        <Table
          caption="Exports, the newest first"
          columns={["Started", "Format", "Columns", "State", "File"]}
        >
          {rows.map((row) => (
            <ExportRow
              key={row.id}
              row={row}
              labels={labels}
              segmentId={segment.id}
              isFollowed={followed.has(row.id)}
            />
          ))}
        </Table>
      </PagedList>
    </>
  );
}
