import { useQuery } from "@tanstack/react-query";
import { useLocation } from "wouter";
import { useIsAdmin } from "../access/viewer";
import { routes } from "../routes";
import { DeleteButton } from "../ui/DeleteButton";
import { formatDate } from "../ui/formats";
import { NotFound } from "../ui/NotFound";
import { PageProblem } from "../ui/PageProblem";
import { Problem } from "../ui/Problem";
import { AddCodesForm } from "./AddCodesForm";
import { CodesLeft } from "./CodesLeft";
import { DeleteCodePool } from "./operations";
import { PoolUses } from "./PoolUses";
import { codePoolQuery, isGenerating, type ShownCodePool } from "./queries";

/** One code pool: how many codes are left, what claims them, and more codes for it. */
export function PoolPage({ params }: { params: { id: string } }) {
  const { data: pool, error, refetch } = useQuery(codePoolQuery(params.id));
  const isAdmin = useIsAdmin();
  if (error && !pool) return <PageProblem error={error} onRetry={refetch} />;
  if (pool === undefined) return <p className="waiting">Loading the code pool …</p>;
  if (pool === null) return <NotFound />;
  return (
    <>
      <title>{`${pool.name} · Customer segments`}</title>
      <h1>{pool.name}</h1>
      {error && <Problem error={error} onRetry={refetch} />}
      <div className="toolbar">
        <div>
          <CodesLeft pool={pool} />
        </div>
        <span>created {formatDate(pool.createdAt)}</span>
        {isAdmin && <DeletePoolButton pool={pool} />}
      </div>
      <p>
        Used by <PoolUses uses={pool.usedBy} />
      </p>
      {isAdmin && !isGenerating(pool) && <AddCodesForm poolId={pool.id} />}
    </>
  );
}

function DeletePoolButton({ pool: { id, name, usedBy } }: { pool: ShownCodePool }) {
  const [, navigate] = useLocation();
  return (
    <DeleteButton
      noun="code pool"
      id={id}
      name={name}
      uses={usedBy}
      mutation={DeleteCodePool}
      affectedKeys={[["codePools"]]}
      onDeleted={() => navigate(routes.codePools)}
    >
      This can’t be undone. Codes that customers have got stay theirs; the others are lost.
    </DeleteButton>
  );
}
