import { useQuery } from "@tanstack/react-query";
import { useRef } from "react";
import { Link } from "wouter";
import { useIsAdmin } from "../access/viewer";
import { routes } from "../routes";
import { formatCount } from "../ui/formats";
import { NotFound } from "../ui/NotFound";
import { PageProblem } from "../ui/PageProblem";
import { Deliveries } from "./Deliveries";
import { distributionQuery, type ShownDistribution } from "./queries";
import { TestForm } from "./TestForm";
import { Tools } from "./Tools";
import { OCCASIONS } from "./words";

/** One distribution: what it sends, whether it is live, and its deliveries. */
export function DistributionPage({ params }: { params: { id: string } }) {
  const { data: distribution, error, refetch } = useQuery(distributionQuery(params.id));
  const isAdmin = useIsAdmin();
  const heading = useRef<HTMLHeadingElement>(null);
  if (error && !distribution) return <PageProblem error={error} onRetry={refetch} />;
  if (distribution === undefined) return <p className="waiting">Loading the distribution …</p>;
  if (distribution === null) return <NotFound />;
  const { name, on, segment, codePool, maxPerCustomer } = distribution;
  return (
    <>
      <title>{`${name} · Customer segments`}</title>
      <h1 tabIndex={-1} ref={heading}>
        {name}
      </h1>
      <p>
        {OCCASIONS[on]} <Link href={routes.segment(segment.id)}>{segment.name}</Link>:{" "}
        {describeChannel(distribution)}
        {codePool && (
          <>
            , with a code of <Link href={routes.codePool(codePool.id)}>{codePool.name}</Link> (
            {formatCount(codePool.availableCount, "code")} left)
          </>
        )}
        {maxPerCustomer && `, at most ${formatCount(maxPerCustomer, "time")} for a customer`}
      </p>
      <Tools distribution={distribution} onEdited={() => heading.current?.focus()} />
      <Deliveries distribution={distribution} />
      {isAdmin && <TestForm distributionId={distribution.id} />}
    </>
  );
}

function describeChannel({ channel: { webhook, email } }: ShownDistribution): string {
  if (email) return `an email “${email.subject}”`;
  if (!webhook) return "nothing";
  const { url, headerNames } = webhook;
  const headers = headerNames.length > 0 ? ` with the headers ${headerNames.join(", ")}` : "";
  return `a webhook to ${url}${headers}`;
}
