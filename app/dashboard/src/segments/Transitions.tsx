import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { PagedList } from "../ui/PagedList";
import { type ShownSegment, transitionsQuery } from "./queries";
import { TransitionTable } from "./TransitionTable";
import { TransitionTypeSelect } from "./TransitionTypeSelect";
import { NO_TRANSITIONS, type TransitionType } from "./words";

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
        <TransitionTypeSelect type={type} onChange={setType} />
      </div>
      <PagedList
        query={query}
        isEmpty={transitions.length === 0}
        waiting="Loading transitions …"
        empty="There is no such transition."
      >
        <TransitionTable transitions={transitions} segmentId={segmentId} />
      </PagedList>
    </>
  );
}
