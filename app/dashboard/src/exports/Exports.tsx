import { useQuery } from "@tanstack/react-query";
import { useCanWrite } from "../access/viewer";
import { Problem } from "../ui/Problem";
import { ExportForm } from "./ExportForm";
import { ExportRow } from "./ExportRow";
import { exportsQuery } from "./queries";

/** Starts exports of a segment, and lists them. */
export function Exports({ segment }: { segment: { id: string } }) {
  const canWrite = useCanWrite();
  const query = useQuery(exportsQuery(segment.id));
  return (
    <>
      {canWrite && <ExportForm segmentId={segment.id} />}
      {query.error && <Problem error={query.error} onRetry={() => query.refetch()} />}
      {query.data?.length === 0 && <p>There are no exports of this segment.</p>}
      {query.data && query.data.length > 0 && (
        <div className="table-box">
          <table>
            <caption>Exports, the newest first</caption>
            <thead>
              <tr>
                <th scope="col">Started</th>
                <th scope="col">Format</th>
                <th scope="col">State</th>
                <th scope="col">File</th>
              </tr>
            </thead>
            <tbody>
              {query.data.map((row) => (
                <ExportRow key={row.id} row={row} segmentId={segment.id} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
