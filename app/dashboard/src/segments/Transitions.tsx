import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Problem } from "../ui/Problem";
import { ShowMore } from "../ui/ShowMore";
import { type ShownSegment, transitionsQuery } from "./queries";
import { TransitionTable } from "./TransitionTable";
import { NO_TRANSITIONS, TRANSITION_NAMES, type TransitionType } from "./words";

/** All transitions of the segment, page by page. */
export function Transitions({ segment }: { segment: ShownSegment }) {
  if (segment.kind !== "ACTIVE") return <p>{NO_TRANSITIONS}</p>;
  return <TransitionHistory segmentId={segment.id} />;
}

function TransitionHistory({ segmentId }: { segmentId: string }) {
  const [type, setType] = useState<TransitionType | null>(null);
  const query = useInfiniteQuery(transitionsQuery(segmentId, type));
  const transitions = query.data?.pages.flatMap((page) => page?.nodes ?? []);
  return (
    <>
      <div className="toolbar">
        <label>
          Transition
          <select
            value={type ?? ""}
            onChange={({ target }) => setType((target.value || null) as TransitionType | null)}
          >
            <option value="">Both</option>
            {Object.entries(TRANSITION_NAMES).map(([value, name]) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
          </select>
        </label>
      </div>
      {query.error && <Problem error={query.error} onRetry={() => query.refetch()} />}
      {!transitions && !query.error && <p className="waiting">Loading transitions …</p>}
      {transitions?.length === 0 && <p>There is no such transition.</p>}
      {transitions && transitions.length > 0 && (
        <div aria-busy={query.isPlaceholderData}>
          <TransitionTable transitions={transitions} />
        </div>
      )}
      <ShowMore query={query} />
    </>
  );
}
