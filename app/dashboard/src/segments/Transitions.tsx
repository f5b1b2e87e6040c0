import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { PagedList } from "../ui/PagedList";
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
  const transitions = query.data?.pages.flatMap((page) => page?.nodes ?? []) ?? [];
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
      <PagedList
        query={query}
        isEmpty={transitions.length === 0}
        waiting="Loading transitions …"
        empty="There is no such transition."
      >
        <TransitionTable transitions={transitions} />
      </PagedList>
    </>
  );
}
