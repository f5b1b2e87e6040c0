import { type ReactNode, useId } from "react";
import { Link } from "wouter";
import { useIsAdmin } from "../access/viewer";
import { routes } from "../routes";
import { DeleteButton } from "../ui/DeleteButton";
import { formatCount, formatNumber } from "../ui/formats";
import { Table } from "../ui/Table";
import { DeleteReferralProgram } from "./operations";
import type { ReferralProgram, ReferralTier } from "./queries";

interface Props {
  program: ReferralProgram;
  onDeleted: () => void;
}

/** A referral program and its tiers. */
export function ProgramSection({ program: { id, name, tiers }, onDeleted }: Props) {
  const heading = useId();
  const isAdmin = useIsAdmin();
  return (
    <section aria-labelledby={heading}>
      <div className="toolbar">
        <h2 id={heading}>{name}</h2>
        {isAdmin && (
          <DeleteButton
            noun="program"
            id={id}
            name={name}
            mutation={DeleteReferralProgram}
            affectedKeys={[["referralPrograms"], ["segment"], ["codePools"]]}
            onDeleted={onDeleted}
          >
            This can’t be undone. Customers keep their rewards, and still get those that they have
            earned.
          </DeleteButton>
        )}
      </div>
      <Table
        caption={formatCount(tiers.length, "tier")}
        columns={["Tier", "Referrals", "Reward", "For members of"]}
      >
        {tiers.map((tier) => (
          <tr key={tier.id}>
            <th scope="row">{tier.name}</th>
            <td>{formatNumber(tier.minReferrals)}</td>
            <td>{describeReward(tier)}</td>
            <td>
              {tier.segment ? (
                <Link href={routes.segment(tier.segment.id)}>{tier.segment.name}</Link>
              ) : (
                "all customers"
              )}
            </td>
          </tr>
        ))}
      </Table>
    </section>
  );
}

function describeReward({ points, program, codePool }: ReferralTier): ReactNode {
  if (points !== null) return `${formatCount(points, "point")} in “${program?.name}”`;
  if (!codePool) return "a code";
  return (
    <>
      a code of <Link href={routes.codePool(codePool.id)}>{codePool.name}</Link>
    </>
  );
}
