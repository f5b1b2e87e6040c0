import type { UseMutationResult } from "@tanstack/react-query";
import { ActionButton } from "../ui/ActionButton";
import { formatCount, formatNumber } from "../ui/formats";
import { Problem } from "../ui/Problem";
import { useAnnouncement } from "../ui/Status";
import type { ImportRow, RefusedRow } from "./rows";
import type { ImportProgress } from "./send";
import type { CheckReport } from "./useImport";

interface Props {
  report: CheckReport;
  write: UseMutationResult<ImportProgress, Error, readonly ImportRow[]>;
  progress: ImportProgress | null;
}

/** What the import would do, a button that does it, and what it did. */
export function CheckResult({ report, write, progress }: Props) {
  const { accepted, refused, newCount, knownCount, repeatedCount } = report;
  const count = formatCount(accepted.length, "row");
  useAnnouncement(`${count} can be imported, ${formatNumber(refused.length)} can’t`);
  return (
    <>
      <h3>Before anything is written</h3>
      <ul>
        <li>{formatCount(newCount, "new customer")}</li>
        <li>{formatCount(knownCount, "customer")} to update</li>
        {repeatedCount > 0 && (
          <li>{formatCount(repeatedCount, "row")} about a customer of an earlier row</li>
        )}
        <li>{formatCount(refused.length, "row")} left out</li>
      </ul>
      <RefusedRows label="Left out" rows={refused} />
      <p className="hint">
        The server checks more than the browser can, such as the values that a definition allows. It
        refuses single rows, and says so below.
      </p>
      {accepted.length > 0 && (
        <ActionButton
          className="primary"
          isPending={write.isPending || write.isSuccess}
          onClick={() => write.mutate(accepted)}
        >
          Import {count}
        </ActionButton>
      )}
      {write.error && <Problem error={write.error} />}
      {progress && <Outcome progress={progress} isDone={write.isSuccess} />}
      {write.error && <p>Importing the file again repeats nothing: the rows stay as they are.</p>}
    </>
  );
}

function Outcome({ progress, isDone }: { progress: ImportProgress; isDone: boolean }) {
  const { sentCount, acceptedCount, refused } = progress;
  const outcome = `${formatCount(acceptedCount, "row")} imported, ${formatNumber(sentCount - acceptedCount)} refused`;
  useAnnouncement(isDone ? outcome : null);
  return (
    <>
      <h3>{isDone ? "Done" : `${formatNumber(sentCount)} sent`}</h3>
      <p>{outcome}.</p>
      <RefusedRows label="Refused by the server" rows={refused} />
    </>
  );
}

function RefusedRows({ label, rows }: { label: string; rows: readonly RefusedRow[] }) {
  if (rows.length === 0) return null;
  return (
    <label className="refused">
      {label}, with the numbers of the lines
      <textarea
        readOnly
        rows={Math.min(rows.length, 8)}
        value={rows.map(({ line, reason }) => `${line}: ${reason}`).join("\n")}
      />
    </label>
  );
}
