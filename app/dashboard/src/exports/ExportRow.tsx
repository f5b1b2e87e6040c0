import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef } from "react";
import { useCanWrite } from "../access/viewer";
import { request, requireNoUserErrors } from "../api/request";
import { ActionButton } from "../ui/ActionButton";
import { formatDate, formatInstant, formatNumber } from "../ui/formats";
import { CancelExport } from "./operations";
import { exportsQuery, isRunning, type ListedExport } from "./queries";
import { useExportProgress } from "./useExportProgress";

interface Props {
  row: ListedExport;
  /** The names of columns by their paths. */
  labels: ReadonlyMap<string, string>;
  segmentId: string;
  isFollowed: boolean;
}

/** An export: its progress while it runs, then the link to its file. */
export function ExportRow({ row, labels, segmentId, isFollowed }: Props) {
  useExportProgress(row.id, segmentId, isFollowed);
  const queryClient = useQueryClient();
  const canWrite = useCanWrite();
  const state = useRef<HTMLTableCellElement>(null);
  const cancellation = useMutation({
    mutationFn: async () => {
      const { exportCancel } = await request(CancelExport, { id: row.id });
      requireNoUserErrors(exportCancel.userErrors);
    },
    // The button is about to go.
    onSuccess: () => state.current?.focus(),
    onSettled: () => queryClient.invalidateQueries(exportsQuery(segmentId)),
  });
  return (
    <tr>
      <th scope="row">{formatInstant(row.createdAt)}</th>
      <td>{row.format}</td>
      <td className="sentence">{row.fields.map((path) => labels.get(path) ?? path).join(", ")}</td>
      <td ref={state} tabIndex={-1}>
        {isRunning(row) ? <Progress row={row} /> : describeState(row)}
      </td>
      <td>
        {canWrite && isRunning(row) && (
          <ActionButton isPending={cancellation.isPending} onClick={() => cancellation.mutate()}>
            Cancel
          </ActionButton>
        )}
        {row.url && (
          <a href={row.url} download>
            Download
          </a>
        )}
        {row.url && row.expiresAt && ` until ${formatDate(row.expiresAt)}`}
      </td>
    </tr>
  );
}

function Progress({ row }: { row: ListedExport }) {
  const { rowsDone, rowsTotal } = row;
  const isMeasured = row.status === "IN_PROGRESS" && rowsTotal !== null && rowsTotal >= rowsDone;
  return (
    <label>
      {describeState(row)}
      <br />
      <progress {...(isMeasured && { value: rowsDone, max: Math.max(rowsTotal, 1) })} />
    </label>
  );
}

function describeState({ status, rowsDone, rowsTotal, error }: ListedExport): string {
  switch (status) {
    case "SCHEDULED":
      return "Waiting for a worker";
    case "IN_PROGRESS":
      return rowsTotal === null || rowsTotal < rowsDone
        ? `${formatNumber(rowsDone)} rows`
        : `${formatNumber(rowsDone)} of ${formatNumber(rowsTotal)} rows`;
    case "DONE":
      return `Done: ${formatNumber(rowsDone)} rows`;
    case "FAILED":
      return `Failed: ${error ?? "unknown error"}`;
    case "CANCELED":
      return "Canceled";
  }
}
