import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link } from "wouter";
import { routes } from "../routes";
import { PageProblem } from "../ui/PageProblem";
import { useCanWrite, viewerQuery } from "./viewer";

interface Props {
  title: string;
  children: ReactNode;
}

/** A page that makes or edits segments. With a key that may not, it says so. */
export function RequireWrite({ title, children }: Props) {
  const { data: viewer, error, refetch } = useQuery(viewerQuery);
  const canWrite = useCanWrite();
  if (canWrite) return children;
  if (error && !viewer) return <PageProblem error={error} onRetry={refetch} />;
  if (!viewer) return <p className="waiting">Loading the page …</p>;
  return (
    <>
      <title>{`${title} · Customer segments`}</title>
      <h1>{title}</h1>
      <p className="notice">
        This needs a key with the role WRITE. Yours has the role {viewer.role}.
      </p>
      <p>
        <Link href={routes.segments}>Show all segments</Link>
      </p>
    </>
  );
}
