import { useEffect, useState, useSyncExternalStore } from "react";
import type { Transition } from "../api/follow";
import { connection } from "../api/socket";
import { useInvalidation } from "../api/useInvalidation";
import { formatTime } from "../ui/formats";
import { Problem } from "../ui/Problem";
import { useAnnouncement } from "../ui/Status";
import { useDebounced } from "../ui/useDebounced";
import type { ShownSegment } from "./queries";
import { TransitionTable } from "./TransitionTable";
import { useLiveTransitions } from "./useLiveTransitions";
import { NO_TRANSITIONS } from "./words";

// After a burst, the members are counted once.
const PAUSE_MS = 1_000;

/** Who entered the segment and left it lately, and who does so while the page is open. */
export function LiveFeed({ segment }: { segment: ShownSegment }) {
  if (segment.kind !== "ACTIVE") return <p>{NO_TRANSITIONS}</p>;
  return <ActiveFeed segmentId={segment.id} />;
}

function ActiveFeed({ segmentId }: { segmentId: string }) {
  const { transitions, error } = useLiveTransitions(segmentId);
  const [pausedAt, setPausedAt] = useState<Transition[] | null>(null);
  useFreshMembers(segmentId, transitions?.[0]?.sequence);

  if (error) return <Problem error={error} />;
  if (!transitions) return <p className="waiting">Loading transitions …</p>;
  const shown = pausedAt ?? transitions;
  const newCount = pausedAt ? countNew(transitions, pausedAt) : 0;
  return (
    <>
      <p className="toolbar">
        <LineState />
        <button type="button" onClick={() => setPausedAt(pausedAt ? null : transitions)}>
          {pausedAt ? "Resume" : "Pause"}
        </button>
        {newCount > 0 && <span>{newCount} new</span>}
      </p>
      {shown.length === 0 ? (
        <p>Nobody has entered or left yet.</p>
      ) : (
        <TransitionTable transitions={shown} />
      )}
    </>
  );
}

/** Counts and lists the members again after transitions. */
function useFreshMembers(segmentId: string, newestSequence: number | undefined) {
  const settledSequence = useDebounced(newestSequence, PAUSE_MS);
  const invalidate = useInvalidation();
  useEffect(() => {
    if (settledSequence === undefined) return;
    invalidate(["memberCount", segmentId], ["members", segmentId], ["allCustomers"]);
  }, [segmentId, settledSequence, invalidate]);
}

/** Whether transitions arrive, and if not, since when. */
function LineState() {
  const { isConnected, cutOffAt } = useSyncExternalStore(connection.subscribe, connection.get);
  const state = cutOffAt ? `Cut off since ${formatTime(cutOffAt)}, connecting …` : "Connecting …";
  useAnnouncement(isConnected ? "Live" : state);
  return isConnected ? <span className="kind-active">● Live</span> : <span>{`○ ${state}`}</span>;
}

function countNew(transitions: Transition[], shown: Transition[]): number {
  const newestShown = shown[0]?.sequence ?? 0;
  return transitions.filter((transition) => transition.sequence > newestShown).length;
}
