import { useQuery } from "@tanstack/react-query";
import { Link, useLocation } from "wouter";
import { useCanWrite } from "../access/viewer";
import { Exports } from "../exports/Exports";
import { routes } from "../routes";
import { ErrorBoundary } from "../ui/ErrorBoundary";
import { formatDate } from "../ui/formats";
import { NotFound } from "../ui/NotFound";
import { PageProblem } from "../ui/PageProblem";
import { Problem } from "../ui/Problem";
import { Tabs } from "../ui/Tabs";
import { Changes } from "./Changes";
import { DeleteSegmentButton } from "./DeleteSegmentButton";
import { EditDetailsButton } from "./EditDetailsButton";
import { KindBadge } from "./KindBadge";
import { LiveFeed } from "./LiveFeed";
import { MemberCount } from "./MemberCount";
import { Members } from "./Members";
import { type ShownSegment, segmentQuery } from "./queries";
import { Transitions } from "./Transitions";
import { Uses } from "./Uses";

const TABS = {
  members: { name: "Members", Content: Members },
  live: { name: "Live", Content: LiveFeed },
  transitions: { name: "Transitions", Content: Transitions },
  uses: { name: "Used by", Content: Uses },
  exports: { name: "Exports", Content: Exports },
  changes: { name: "Changes", Content: Changes },
} as const;

type TabName = keyof typeof TABS;

/** One segment: what it is, and in tabs who is in it and what happens to it. */
export function SegmentPage({ params }: { params: { id: string; tab?: string | undefined } }) {
  const { data: segment, error, refetch } = useQuery(segmentQuery(params.id));
  const tab = params.tab ?? "members";
  if (error && !segment) return <PageProblem error={error} onRetry={refetch} />;
  if (segment === undefined) return <p className="waiting">Loading the segment …</p>;
  if (segment === null || !isTab(tab)) return <NotFound />;
  const { name, Content } = TABS[tab];
  return (
    <>
      <title>{`${segment.name}: ${name} · Customer segments`}</title>
      <SegmentHead segment={segment} />
      {error && <Problem error={error} onRetry={refetch} />}
      <Tabs
        label="Parts of the segment"
        tabs={TABS}
        current={tab}
        hrefOf={(other) => routes.segment(segment.id, other)}
      />
      <ErrorBoundary key={tab}>
        <Content segment={segment} />
      </ErrorBoundary>
    </>
  );
}

function SegmentHead({ segment }: { segment: ShownSegment }) {
  const [, navigate] = useLocation();
  const canWrite = useCanWrite();
  return (
    <>
      <h1>{segment.name}</h1>
      {segment.description && <p>{segment.description}</p>}
      {segment.filterText && <p className="sentence">{segment.filterText}</p>}
      <div className="toolbar">
        <KindBadge kind={segment.kind} />
        <span>
          <MemberCount id={segment.id} /> members
        </span>
        {segment.activatedAt && <span>active since {formatDate(segment.activatedAt)}</span>}
        {canWrite && segment.editable && (
          <Link className="button" href={routes.editSegment(segment.id)}>
            Edit
          </Link>
        )}
        {canWrite && segment.kind !== "STATIC" && (
          <Link className="button" href={routes.duplicate(segment.id)}>
            Duplicate
          </Link>
        )}
        {canWrite && segment.kind === "STATIC" && (
          <Link className="button" href={routes.changedCopy(segment.id)}>
            Make a changed copy
          </Link>
        )}
        {canWrite && <EditDetailsButton segment={segment} />}
        {canWrite && (
          <DeleteSegmentButton segment={segment} onDeleted={() => navigate(routes.segments)} />
        )}
      </div>
    </>
  );
}

function isTab(text: string): text is TabName {
  return Object.hasOwn(TABS, text);
}
