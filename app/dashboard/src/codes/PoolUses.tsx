import { Fragment } from "react";
import { Link } from "wouter";
import { routes } from "../routes";
import type { CodePool } from "./queries";

type PoolUse = CodePool["usedBy"][number];
type Giver = PoolUse["node"];

/** What claims codes from a pool, with links. */
export function PoolUses({ uses }: { uses: readonly PoolUse[] }) {
  if (uses.length === 0) return "nothing";
  return uses.map((use, index) => (
    <Fragment key={use.id}>
      {index > 0 && ", "}
      <Link href={hrefOfGiver(use.id, use.node)}>{use.name}</Link>
    </Fragment>
  ));
}

/** Returns the address of the page of what gives codes. */
export const hrefOfGiver = (id: string, giver: Giver) =>
  giver?.__typename === "Distribution" ? routes.distribution(id) : routes.referrals;
