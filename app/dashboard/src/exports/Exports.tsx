import { useQuery } from "@tanstack/react-query";
import { useCanWrite } from "../access/viewer";
import { FieldProblems, Problem } from "../ui/Problem";
import { Table } from "../ui/Table";
import { ExportForm } from "./ExportForm";
import { ExportRow } from "./ExportRow";
import { exportsQuery } from "./queries";

/** Starts exports of a segment, and lists them. */
export function Exports({ segment }: { segment: { id: string } }) {
  const canWrite = useCanWrite();
  const query = useQuery(exportsQuery(segment.id));
  const { rows, fieldErrors = [] } = query.data ?? {};
  return (
    <>
      {canWrite && <ExportForm segmentId={segment.id} />}
      {query.error && <Problem error={query.error} onRetry={() => query.refetch()} />}
      <FieldProblems errors={fieldErrors} />
      {rows?.length === 0 && <p>There are no exports of this segment.</p>}
      {rows && rows.length > 0 && (
        <Table caption="Exports, the newest first" columns={["Started", "Format", "State", "File"]}>
          {rows.map((row) => (
            <ExportRow key={row.id} row={row} segmentId={segment.id} />
          ))}
        </Table>
      )}
    </>
  );
}
