import "./engine.css";
import { useQuery } from "@tanstack/react-query";
import { formatCount, formatInstant, formatTime } from "../ui/formats";
import { Problem } from "../ui/Problem";
import { useAnnouncement } from "../ui/Status";
import { Figures } from "./Figures";
import { Findings } from "./Findings";
import { Partitions } from "./Partitions";
import { type EngineStatus, engineQuery } from "./queries";
import { Workers } from "./Workers";

/** The health of the engine, which turns changes of customers into transitions. */
export function EnginePage() {
  const { data: status, error, refetch } = useQuery(engineQuery);
  const verdict = status && describeHealth(status);
  useAnnouncement(verdict);
  return (
    <>
      <title>Engine · Customer segments</title>
      <h1>Engine</h1>
      {error && <Problem error={error} onRetry={refetch} />}
      {!status && !error && <p className="waiting">Loading the status …</p>}
      {status && (
        <>
          <p>
            <strong>{verdict}</strong>{" "}
            <span className="hint">As of {formatTime(status.at)}, updated every 2 seconds.</span>
          </p>
          <Findings findings={status.findings} />
          <Figures status={status} />
          <Partitions status={status} />
          <Workers workers={status.workers} />
          <LastError error={status.lastError} />
        </>
      )}
    </>
  );
}

function LastError({ error }: { error: EngineStatus["lastError"] }) {
  return (
    <section aria-labelledby="last-error">
      <h2 id="last-error">Last error</h2>
      {error ? (
        <p>
          {formatInstant(error.at)} on {error.host}, process {error.pid}: {error.message}
        </p>
      ) : (
        <p>No worker has reported an error.</p>
      )}
    </section>
  );
}

function describeHealth({ findings }: EngineStatus): string {
  const count = findings.filter(({ remedy }) => remedy).length;
  return count === 0
    ? "✓ All checks pass."
    : `✗ ${formatCount(count, "check")} ${count === 1 ? "needs" : "need"} a remedy.`;
}
