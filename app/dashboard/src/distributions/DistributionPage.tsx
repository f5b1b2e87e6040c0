import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "wouter";
import { useIsAdmin } from "../access/viewer";
import { request, requireNoUserErrors } from "../api/request";
import { routes } from "../routes";
import { ActionButton } from "../ui/ActionButton";
import { formatCount } from "../ui/formats";
import { NotFound } from "../ui/NotFound";
import { Problem } from "../ui/Problem";
import { Deliveries } from "./Deliveries";
import { SetDistributionState } from "./operations";
import { distributionQuery, type ShownDistribution } from "./queries";
import { TestForm } from "./TestForm";
import { OCCASIONS, STATE_NAMES } from "./words";

/** One distribution: what it sends, whether it is live, and its deliveries. */
export function DistributionPage({ params }: { params: { id: string } }) {
  const { data: distribution, error, refetch } = useQuery(distributionQuery(params.id));
  const isAdmin = useIsAdmin();
  if (error && !distribution) return <Problem error={error} onRetry={refetch} />;
  if (distribution === undefined) return <p className="waiting">Loading the distribution …</p>;
  if (distribution === null) return <NotFound />;
  const { name, on, segment, codePool } = distribution;
  return (
    <>
      <title>{`${name} · Customer segments`}</title>
      <h1>{name}</h1>
      <p>
        {OCCASIONS[on]} <Link href={routes.segment(segment.id)}>{segment.name}</Link>:{" "}
        {describeChannel(distribution)}
        {codePool &&
          `, with a code of “${codePool.name}” (${formatCount(codePool.availableCount, "code")} left)`}
      </p>
      <State distribution={distribution} />
      <Deliveries distribution={distribution} />
      {isAdmin && <TestForm distributionId={distribution.id} />}
    </>
  );
}

function State({ distribution }: { distribution: ShownDistribution }) {
  const { id, state, pausedBecause } = distribution;
  const isAdmin = useIsAdmin();
  const queryClient = useQueryClient();
  const next = state === "LIVE" ? "PAUSED" : "LIVE";
  const change = useMutation({
    mutationFn: async () => {
      const { distributionSetState } = await request(SetDistributionState, { id, state: next });
      requireNoUserErrors(distributionSetState.userErrors);
    },
    onSettled: () => {
      queryClient.invalidateQueries({ queryKey: ["distribution", id] });
      queryClient.invalidateQueries({ queryKey: ["distributions"] });
    },
  });
  return (
    <>
      {change.error && <Problem error={change.error} />}
      {pausedBecause && <p className="notice">Paused: {pausedBecause}</p>}
      <div className="toolbar">
        <span>{STATE_NAMES[state]}</span>
        {isAdmin && (
          <ActionButton isPending={change.isPending} onClick={() => change.mutate()}>
            {state === "LIVE" ? "Pause" : "Set live"}
          </ActionButton>
        )}
      </div>
    </>
  );
}

function describeChannel({ channel: { webhook, email } }: ShownDistribution): string {
  if (webhook) return `a webhook to ${webhook.url}`;
  return email ? `an email “${email.subject}”` : "nothing";
}
