import type { ReactNode } from "react";
import {
  formatInstant,
  formatNumber,
  formatPercent,
  formatRate,
  formatSeconds,
} from "../ui/formats";
import type { EngineStatus } from "./queries";

/** How fast the engine is, what it has to do, and how long it may stop. */
export function Figures({ status }: { status: EngineStatus }) {
  const { nextTimerAt, backfillProgress, imageRetentionSeconds } = status;
  return (
    <section aria-labelledby="figures">
      <h2 id="figures">Figures</h2>
      <dl className="figures">
        <Figure name="Lag">
          {formatWindow(
            status.lagSeconds,
            status.reachedAt ? "unknown, as MongoDB's clock has gone back" : "it has never run",
          )}
        </Figure>
        <Figure name="Unprocessed changes">{formatBounded(status.lagChanges)}</Figure>
        <Figure name="Changes">{formatRate(status.changesPerSecond)} per second</Figure>
        <Figure name="Transitions">{formatRate(status.transitionsPerSecond)} per second</Figure>
        <Figure name="Transitions in the log">{formatNumber(status.lastSequence)}</Figure>
        <Figure name="Active segments">{formatNumber(status.activeSegments)}</Figure>
        <Figure name="Timers due">{formatBounded(status.dueTimers)}</Figure>
        <Figure name="Next timer">{nextTimerAt ? formatInstant(nextTimerAt) : "none"}</Figure>
        <Figure name="Backfill">
          {backfillProgress === null ? "none" : `${formatPercent(backfillProgress)} done`}
        </Figure>
        <Figure name="Can be stopped without loss for">
          {formatWindow(status.historyWindowSeconds, "no limit is known")}
        </Figure>
        <Figure name="Oplog">{formatWindow(status.oplogSeconds, "unknown")}</Figure>
        <Figure name="Images of changes">
          {formatWindow(imageRetentionSeconds, "as long as the oplog, or unknown")}
        </Figure>
      </dl>
    </section>
  );
}

function Figure({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function formatWindow(seconds: number | null, absent: string): string {
  return seconds === null ? absent : formatSeconds(seconds);
}

function formatBounded(count: EngineStatus["lagChanges"]): string {
  if (!count) return "unknown";
  return `${count.exact ? "" : "at least "}${formatNumber(count.number)}`;
}
