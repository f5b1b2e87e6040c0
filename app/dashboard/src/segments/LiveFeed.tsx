import { useState, useSyncExternalStore } from "react";
import type { Transition } from "../api/follow";
import { connection } from "../api/socket";
import { formatCount, formatInstant } from "../ui/formats";
import { Problem } from "../ui/Problem";
import type { ShownSegment } from "./queries";
import { useLiveTransitions } from "./useLiveTransitions";
import { CAUSE_NAMES, TRANSITION_NAMES } from "./words";

/** Who enters and leaves the segment while the page is open. */
export function LiveFeed({ segment }: { segment: ShownSegment }) {
  if (segment.kind !== "ACTIVE") {
    return (
      <p>
        Only an active segment has transitions. A segment becomes active when something acts on its
        transitions, for example a distribution.
      </p>
    );
  }
  return <ActiveFeed segmentId={segment.id} />;
}

function ActiveFeed({ segmentId }: { segmentId: string }) {
  const { transitions, error } = useLiveTransitions(segmentId);
  const isConnected = useSyncExternalStore(connection.subscribe, connection.isConnected);
  const [pausedAt, setPausedAt] = useState<Transition[] | null>(null);
  const shown = pausedAt ?? transitions;
  const newCount = pausedAt ? countNew(transitions, pausedAt) : 0;

  if (error) return <Problem error={error} />;
  return (
    <>
      <p className="toolbar">
        <span>{isConnected ? "● Live" : "○ Connecting …"}</span>
        <button type="button" onClick={() => setPausedAt(pausedAt ? null : transitions)}>
          {pausedAt ? "Go on" : "Pause"}
        </button>
        {newCount > 0 && <span>{newCount} new</span>}
      </p>
      {shown.length === 0 ? (
        <p>Nobody has entered or left since this page was opened.</p>
      ) : (
        <TransitionTable transitions={shown} />
      )}
    </>
  );
}

function countNew(transitions: Transition[], shown: Transition[]): number {
  const newestShown = shown[0]?.sequence ?? 0;
  return transitions.filter((transition) => transition.sequence > newestShown).length;
}

function TransitionTable({ transitions }: { transitions: Transition[] }) {
  return (
    <div className="table-box">
      <table>
        <caption>{formatCount(transitions.length, "transition")}, the newest first</caption>
        <thead>
          <tr>
            <th scope="col">Customer</th>
            <th scope="col">Transition</th>
            <th scope="col">Cause</th>
            <th scope="col">Time</th>
          </tr>
        </thead>
        <tbody>
          {transitions.map((transition) => (
            <tr key={transition.id}>
              <th scope="row">{transition.customer?.name ?? transition.customerSourceId}</th>
              <td>{TRANSITION_NAMES[transition.type]}</td>
              <td>{CAUSE_NAMES[transition.cause]}</td>
              <td>{formatInstant(transition.at)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
