import { Link } from "wouter";
import { routes } from "../routes";
import { formatCount } from "../ui/formats";
import { Table } from "../ui/Table";
import type { ShownSegment } from "./queries";
import { USE_NAMES } from "./words";

/** What uses the segment. */
export function Uses({ segment }: { segment: ShownSegment }) {
  if (segment.usedBy.length === 0) return <p>Nothing uses this segment.</p>;
  return (
    <Table caption={formatCount(segment.usedBy.length, "use")} columns={["Name", "What it is"]}>
      {segment.usedBy.map((use) => (
        <tr key={use.id}>
          <th scope="row">
            <UseName use={use} />
          </th>
          <td>{USE_NAMES[use.kind]}</td>
        </tr>
      ))}
    </Table>
  );
}

type Use = ShownSegment["usedBy"][number];

/** The name of what uses a segment, with a link to its page. */
export function UseName({ use: { kind, id, name } }: { use: Use }) {
  const href = PAGES[kind]?.(id);
  return href ? <Link href={href}>{name}</Link> : name;
}

const PAGES: Partial<Record<Use["kind"], (id: string) => string>> = {
  SEGMENT: (id) => routes.segment(id),
  DISTRIBUTION: routes.distribution,
  EARNING_RULE: () => routes.loyalty,
  REFERRAL_TIER: () => routes.referrals,
  VALIDATION_RULE: () => routes.rules,
};
