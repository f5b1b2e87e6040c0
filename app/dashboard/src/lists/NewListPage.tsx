import "./lists.css";
import { useQuery } from "@tanstack/react-query";
import { useSearchParams } from "wouter";
import { NotFound } from "../ui/NotFound";
import { Problem } from "../ui/Problem";
import { NOBODY, toChosen } from "./chosen";
import { ListEditor } from "./ListEditor";
import { listLimitQuery, listMembersQuery } from "./queries";

/** Makes a fixed list: of nobody at first, or of the members of the list in the address. */
export function NewListPage() {
  const [parameters] = useSearchParams();
  const copiedId = parameters.get("from");
  return (
    <>
      <title>New fixed list · Customer segments</title>
      {copiedId ? <ChangedCopy id={copiedId} /> : <NewList />}
    </>
  );
}

function NewList() {
  const limit = useQuery(listLimitQuery);
  if (limit.error) return <ListProblem error={limit.error} onRetry={limit.refetch} />;
  if (!limit.data) return <p className="waiting">Loading the editor …</p>;
  return (
    <>
      <h1>New fixed list</h1>
      <ListEditor limit={limit.data} initial={NOBODY} scope="new" />
    </>
  );
}

function ChangedCopy({ id }: { id: string }) {
  const limit = useQuery(listLimitQuery);
  const list = useQuery(listMembersQuery(id));
  const error = limit.error ?? list.error;
  if (error) return <ListProblem error={error} onRetry={() => window.location.reload()} />;
  if (list.data === null) return <NotFound />;
  if (!limit.data || !list.data) return <p className="waiting">Loading the members …</p>;
  return (
    <>
      <h1>Changed copy of “{list.data.name}”</h1>
      <ListEditor limit={limit.data} initial={toChosen(list.data.members)} scope={id} />
    </>
  );
}

function ListProblem(props: { error: Error; onRetry: () => void }) {
  return (
    <>
      <h1>New fixed list</h1>
      <Problem {...props} />
    </>
  );
}
