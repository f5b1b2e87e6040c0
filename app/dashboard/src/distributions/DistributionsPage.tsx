import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { useIsAdmin } from "../access/viewer";
import { routes } from "../routes";
import { formatCount, formatNumber } from "../ui/formats";
import { Problem } from "../ui/Problem";
import { DistributionForm } from "./DistributionForm";
import { countOf, distributionsQuery } from "./queries";
import { OCCASIONS, STATE_NAMES } from "./words";

/** What is sent when customers enter or leave segments. */
export function DistributionsPage() {
  const { data: distributions, error, refetch } = useQuery(distributionsQuery);
  const isAdmin = useIsAdmin();
  return (
    <>
      <title>Distributions · Customer segments</title>
      <h1>Distributions</h1>
      <p>
        A distribution sends a webhook or an email, with or without a code, to each customer who
        enters or leaves a segment.
      </p>
      {error && <Problem error={error} onRetry={refetch} />}
      {!distributions && !error && <p className="waiting">Loading the distributions …</p>}
      {distributions?.length === 0 && <p>There are no distributions yet.</p>}
      {distributions && distributions.length > 0 && (
        <div className="table-box">
          <table>
            <caption>{formatCount(distributions.length, "distribution")}</caption>
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Segment</th>
                <th scope="col">State</th>
                <th scope="col" className="number">
                  Delivered
                </th>
                <th scope="col" className="number">
                  Failed
                </th>
              </tr>
            </thead>
            <tbody>
              {distributions.map(({ id, name, on, segment, state, pausedBecause, counts }) => (
                <tr key={id}>
                  <th scope="row">
                    <Link href={routes.distribution(id)}>{name}</Link>
                    <p className="sentence">{OCCASIONS[on]}</p>
                  </th>
                  <td>
                    <Link href={routes.segment(segment.id)}>{segment.name}</Link>
                  </td>
                  <td>
                    {STATE_NAMES[state]}
                    {pausedBecause && <p className="sentence">{pausedBecause}</p>}
                  </td>
                  <td className="number">{formatNumber(countOf(counts, "DELIVERED"))}</td>
                  <td className="number">{formatNumber(countOf(counts, "FAILED"))}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {isAdmin && distributions && <DistributionForm />}
    </>
  );
}
