import "./customers.css";
import { useQuery } from "@tanstack/react-query";
import { CustomerPoints } from "../loyalty/CustomerPoints";
import { readSourceId, routes } from "../routes";
import { ErrorBoundary } from "../ui/ErrorBoundary";
import { NotFound } from "../ui/NotFound";
import { PageProblem } from "../ui/PageProblem";
import { Problem } from "../ui/Problem";
import { Tabs } from "../ui/Tabs";
import { Memberships } from "./Memberships";
import { Profile } from "./Profile";
import { customerQuery } from "./profileQueries";
import { Timeline } from "./Timeline";
import { WhatIf } from "./WhatIf";

const TABS = {
  profile: { name: "Profile", Content: Profile },
  memberships: { name: "Memberships", Content: Memberships },
  points: { name: "Points", Content: CustomerPoints },
  timeline: { name: "Timeline", Content: Timeline },
  "what-if": { name: "What if", Content: WhatIf },
} as const;

type TabName = keyof typeof TABS;

interface Props {
  params: { tab?: string | undefined };
}

/** One customer: the profile, and in tabs the segments, what happened, and what might. */
export function CustomerPage({ params }: Props) {
  const { tab = "profile" } = params;
  const sourceId = readSourceId();
  const { data: profile, error, refetch } = useQuery(customerQuery(sourceId));
  if (error && !profile) return <PageProblem error={error} onRetry={refetch} />;
  if (profile === undefined) return <p className="waiting">Loading the customer …</p>;
  if (profile === null || !isTab(tab)) return <NotFound />;
  const { name, Content } = TABS[tab];
  const { customer } = profile;
  const title = customer.name ?? sourceId;
  return (
    <>
      <title>{`${title}: ${name} · Customer segments`}</title>
      <h1>{title}</h1>
      <p className="sentence">{[sourceId, customer.email].filter(Boolean).join(", ")}</p>
      {error && <Problem error={error} onRetry={refetch} />}
      <Tabs
        label="Parts of the customer"
        tabs={TABS}
        current={tab}
        hrefOf={(other) => routes.customer(sourceId, other)}
      />
      <ErrorBoundary key={tab}>
        <Content sourceId={sourceId} profile={profile} />
      </ErrorBoundary>
    </>
  );
}

function isTab(text: string): text is TabName {
  return Object.hasOwn(TABS, text);
}
