import { useQuery } from "@tanstack/react-query";
import { routes } from "../routes";
import { ErrorBoundary } from "../ui/ErrorBoundary";
import { loadable } from "../ui/loadable";
import { NotFound } from "../ui/NotFound";
import { PageProblem } from "../ui/PageProblem";
import { Problem } from "../ui/Problem";
import { Tabs } from "../ui/Tabs";
import { segmentQuery } from "./queries";
import { SegmentHead } from "./SegmentHead";

const Exports = loadable(async () => (await import("../exports/Exports")).Exports);
const LiveFeed = loadable(async () => (await import("./LiveFeed")).LiveFeed);
const Members = loadable(async () => (await import("./Members")).Members);
const History = loadable(async () => (await import("./History")).History);
const Transitions = loadable(async () => (await import("./Transitions")).Transitions);
const Uses = loadable(async () => (await import("./Uses")).Uses);
const Changes = loadable(async () => (await import("./Changes")).Changes);

const TABS = {
  members: { name: "Members", Content: Members },
  history: { name: "History", Content: History },
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

function isTab(text: string): text is TabName {
  return Object.hasOwn(TABS, text);
}
