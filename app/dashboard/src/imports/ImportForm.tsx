import { useId, useMemo, useState } from "react";
import type { Catalog } from "../editor/catalog";
import type { Row } from "../lists/entries";
import { ActionButton } from "../ui/ActionButton";
import { formatCount } from "../ui/formats";
import { Problem } from "../ui/Problem";
import { useAnnouncement } from "../ui/Status";
import { CheckResult } from "./CheckResult";
import { findMappingProblem, listFields, mapByHeading, readColumns, toNewPath } from "./columns";
import { MappingTable } from "./MappingTable";
import { areOrders } from "./orders";
import { useImport } from "./useImport";

const ORDERS_NOTICE = "These rows look like orders, and this page imports customers.";

/** A file in columns. */
export interface FileTable {
  headings: readonly string[];
  rows: readonly Row[];
}

interface Props {
  table: FileTable;
  attributes: Catalog["attributes"];
}

/** What each column becomes, the report of a check, and the import. */
export function ImportForm({ table: { headings, rows }, attributes }: Props) {
  const headingId = useId();
  const fields = useMemo(() => listFields(attributes), [attributes]);
  const newPaths = headings.map((heading) => toNewPath(heading, attributes));
  const [mapping, setMapping] = useState(() => mapByHeading(headings, fields, newPaths));
  const columns = useMemo(() => readColumns(rows, mapping, fields), [rows, mapping, fields]);
  const hasOrders = useMemo(() => areOrders(headings, rows), [headings, rows]);
  const problem = findMappingProblem(mapping);
  const { check, write, progress, reset } = useImport(rows, columns, headings.length);
  useAnnouncement(hasOrders ? ORDERS_NOTICE : null);

  function map(index: number, path: string) {
    const next = new Map(mapping);
    if (path) next.set(index, path);
    else next.delete(index);
    setMapping(next);
    reset();
  }
  return (
    <section aria-labelledby={headingId}>
      <h2 id={headingId}>{formatCount(rows.length, "row")}</h2>
      {hasOrders && (
        <p className="notice">
          {ORDERS_NOTICE} The command <code>segments import orders</code> imports orders.
        </p>
      )}
      <MappingTable
        headings={headings}
        rows={rows}
        fields={fields}
        newPaths={newPaths}
        columns={columns}
        mapping={mapping}
        onChange={map}
      />
      {problem && <p className="field-problem">{problem}</p>}
      <ActionButton
        disabled={problem !== null}
        isPending={check.isPending || write.isPending}
        onClick={() => {
          reset();
          check.mutate();
        }}
      >
        Check the file
      </ActionButton>
      {check.isPending && <p className="waiting">Checking …</p>}
      {check.error && <Problem error={check.error} />}
      {check.data && <CheckResult report={check.data} write={write} progress={progress} />}
    </section>
  );
}
