import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { Link } from "wouter";
import { ExplanationTree } from "../explanations/ExplanationTree";
import { routes } from "../routes";
import { KindBadge } from "../segments/KindBadge";
import { formatCount, formatInstant } from "../ui/formats";
import { Problem } from "../ui/Problem";
import { explanationQuery, type Membership, type Overrides } from "./profileQueries";

interface Props {
  title: string;
  memberships: readonly Membership[];
  sourceId: string;
  overrides: Overrides;
}

/** Segments, each with why the customer is in it or not, and when time alone changes that. */
export function MembershipTable({ title, memberships, sourceId, overrides }: Props) {
  return (
    <div className="table-box">
      <table className="memberships">
        <caption>
          {title}: {formatCount(memberships.length, "segment")}
        </caption>
        <tbody>
          {memberships.map(({ segment, isMember, changesAt }) => (
            <tr key={segment.id}>
              <th scope="row">
                <Link href={routes.segment(segment.id)}>{segment.name}</Link>
                {changesAt && (
                  <p className="sentence">
                    {isMember ? "Leaves" : "Enters"} on {formatInstant(changesAt)} if nothing else
                    changes.
                  </p>
                )}
              </th>
              <td>
                <KindBadge kind={segment.kind} />
              </td>
              <td>
                <Why segmentId={segment.id} sourceId={sourceId} overrides={overrides} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

type WhyProps = Pick<Props, "sourceId" | "overrides"> & { segmentId: string };

/** The explanation, read when it is opened: at once, with the focus, if the address names the segment. */
function Why({ segmentId, sourceId, overrides }: WhyProps) {
  const isLinked = window.location.hash === `#${segmentId}`;
  const [isOpen, setOpen] = useState(isLinked);
  const summary = useRef<HTMLElement>(null);
  useEffect(() => {
    if (isLinked) summary.current?.focus();
  }, [isLinked]);
  const { data, error, refetch } = useQuery({
    ...explanationQuery(sourceId, segmentId, overrides),
    enabled: isOpen,
  });
  return (
    <details open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary ref={summary}>Why</summary>
      {error && <Problem error={error} onRetry={refetch} />}
      {isOpen && !data && !error && <p className="waiting">Loading …</p>}
      {data && <ExplanationTree explanation={data} />}
    </details>
  );
}
