import "./imports.css";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useCanWrite, viewerQuery } from "../access/viewer";
import { catalogQuery } from "../editor/catalog";
import { findDelimiter, parseRows } from "../lists/entries";
import { FileField, readText } from "../ui/FileField";
import { formatCount, formatNumber } from "../ui/formats";
import { Problem } from "../ui/Problem";
import { type FileTable, ImportForm } from "./ImportForm";

const MAX_ROWS = 100_000;

/** Imports customers from a CSV file that the browser reads. */
export function ImportPage() {
  const { data: viewer } = useQuery(viewerQuery);
  const canWrite = useCanWrite();
  const catalog = useQuery(catalogQuery);
  const file = useMutation({ mutationFn: readTable });
  return (
    <>
      <title>Import · Customer segments</title>
      <h1>Import customers</h1>
      <p>
        A CSV file whose first line is a heading, up to {formatCount(MAX_ROWS, "row")}. Nothing is
        written before you have seen the report. For larger files, events and orders there is the
        command <code>segments import</code>.
      </p>
      {viewer && !canWrite && (
        <p className="notice">To import you need a key with the role WRITE.</p>
      )}
      {catalog.error && <Problem error={catalog.error} onRetry={catalog.refetch} />}
      {canWrite && catalog.data && (
        <>
          <div className="toolbar">
            <FileField label="CSV file" onSelect={file.mutate} />
          </div>
          {file.error && <Problem error={file.error} />}
          {file.data && (
            <ImportForm
              key={file.submittedAt}
              table={file.data}
              attributes={catalog.data.attributes}
            />
          )}
        </>
      )}
    </>
  );
}

async function readTable(file: File): Promise<FileTable> {
  const text = await readText(file, "Use segments import.");
  // The values below may have more commas than columns.
  const [headingLine = ""] = text.split(/[\r\n]/, 1);
  const [heading, ...rows] = parseRows(text, findDelimiter(headingLine));
  if (!heading || rows.length === 0) throw new Error("The file has no row below its heading.");
  if (rows.length > MAX_ROWS) {
    throw new Error(`The file has more than ${formatNumber(MAX_ROWS)} rows. Use segments import.`);
  }
  return { headings: heading.cells, rows };
}
