import "./live.css";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState, useSyncExternalStore } from "react";
import type { Transition } from "../api/follow";
import { connection } from "../api/socket";
import { useInvalidation } from "../api/useInvalidation";
import { hasWorkerQuery } from "../engine/queries";
import { ActionButton } from "../ui/ActionButton";
import { formatTime } from "../ui/formats";
import { Problem } from "../ui/Problem";
import { useAnnouncement } from "../ui/Status";
import { useDebounced } from "../ui/useDebounced";
import { useInSight } from "../ui/useInSight";
import type { ShownSegment } from "./queries";
import { TransitionTable } from "./TransitionTable";
import { TransitionTypeSelect } from "./TransitionTypeSelect";
import { useAttention, useHeldValue } from "./useHold";
import { MAX_KEPT_TRANSITIONS, useLiveTransitions } from "./useLiveTransitions";
import { NO_TRANSITIONS, type TransitionType } from "./words";

// After a burst, the members are counted once.
const PAUSE_MS = 1_000;

/** Who entered the segment and left it lately, and who does so while the page is open. */
export function LiveFeed({ segment }: { segment: ShownSegment }) {
  const [attempt, setAttempt] = useState(1);
  if (segment.kind !== "ACTIVE") return <p>{NO_TRANSITIONS}</p>;
  return (
    <ActiveFeed key={attempt} segmentId={segment.id} onRetry={() => setAttempt(attempt + 1)} />
  );
}

interface ActiveFeedProps {
  segmentId: string;
  onRetry: () => void;
}

function ActiveFeed({ segmentId, onRetry }: ActiveFeedProps) {
  const { transitions, error } = useLiveTransitions(segmentId);
  useFreshMembers(segmentId, transitions?.[0]?.sequence);

  if (error) return <Problem error={error} onRetry={onRetry} />;
  if (!transitions) return <p className="waiting">Loading transitions …</p>;
  return <Feed latest={transitions} segmentId={segmentId} />;
}

/** The transitions. They do not move while somebody reads them: points at them, or scrolls down. */
function Feed({ latest, segmentId }: { latest: readonly Transition[]; segmentId: string }) {
  const [type, setType] = useState<TransitionType | null>(null);
  const [isPaused, setPaused] = useState(false);
  const [isRead, handlers] = useAttention();
  const [top, isAtTop] = useInSight<HTMLDivElement>();
  const [held, showLatest] = useHeldValue(latest, isPaused || isRead || !isAtTop);
  const isChosen = (transition: Transition) => !type || transition.type === type;
  const shown = held.filter(isChosen);
  const newCount = countNew(latest, held, isChosen);
  return (
    <>
      <div ref={top} />
      <div className="toolbar feed-tools">
        <LineState />
        <TransitionTypeSelect type={type} onChange={setType} />
        <button type="button" onClick={() => setPaused(!isPaused)}>
          {isPaused ? "Resume" : "Pause"}
        </button>
        <ActionButton
          isPending={false}
          disabled={newCount === 0}
          onClick={() => {
            showLatest();
            top.current?.scrollIntoView({ block: "nearest" });
          }}
        >
          {newCount < MAX_KEPT_TRANSITIONS ? newCount : `${newCount} or more`} new
        </ActionButton>
      </div>
      <div {...handlers}>
        {shown.length > 0 ? (
          <TransitionTable transitions={shown} segmentId={segmentId} />
        ) : (
          <p>{type ? "No such transition lately." : "Nobody has entered or left yet."}</p>
        )}
      </div>
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

const NO_WORKER = "No worker runs: nobody enters or leaves until one does";

/** Whether transitions arrive, and if not, why. */
function LineState() {
  const { isConnected, cutOffAt } = useSyncExternalStore(connection.subscribe, connection.get);
  // Without an answer about the workers, the connection alone counts.
  const { data: hasWorker = true, isPending } = useQuery(hasWorkerQuery);
  const isOpen = isConnected && !isPending;
  const wait = cutOffAt ? `Cut off since ${formatTime(cutOffAt)}, connecting …` : "Connecting …";
  const state = isOpen ? NO_WORKER : wait;
  const isLive = isOpen && hasWorker;
  useAnnouncement(isLive ? "Live" : state);
  return isLive ? <span className="kind-active">● Live</span> : <span>{`○ ${state}`}</span>;
}

function countNew(
  latest: readonly Transition[],
  shown: readonly Transition[],
  isChosen: (transition: Transition) => boolean,
): number {
  const newestShown = shown[0]?.sequence ?? 0;
  return latest.filter((transition) => transition.sequence > newestShown && isChosen(transition))
    .length;
}
