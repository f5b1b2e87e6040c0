import "./editor.css";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useSearchParams } from "wouter";
import { useCanWrite } from "../access/viewer";
import { toDraft } from "../drafts/history";
import { readKept } from "../drafts/keptDraft";
import { useLinkedDraft } from "../drafts/linkedDraft";
import { routes } from "../routes";
import { type ShownSegment, segmentQuery } from "../segments/queries";
import { NotFound } from "../ui/NotFound";
import { PageProblem } from "../ui/PageProblem";
import { Problem } from "../ui/Problem";
import { CatalogContext, catalogQuery } from "./catalog";
import { EditorSession } from "./EditorSession";
import { StrandedDraft } from "./StrandedDraft";
import { UseNames } from "./UseNames";

/** Makes a new segment with a filter: with that of another segment, or with a draft of it, if the address names one. */
export function NewSegmentPage() {
  const [parameters] = useSearchParams();
  const copiedId = parameters.get("from");
  const strandedId = parameters.get("draft") ?? undefined;
  return (
    <>
      <title>New segment · Customer segments</title>
      <h1>New segment</h1>
      {copiedId ? (
        <CopyLoader id={copiedId} />
      ) : (
        <EditorLoader segment={null} strandedId={strandedId} />
      )}
    </>
  );
}

function CopyLoader({ id }: { id: string }) {
  const { data: segment, error, refetch } = useQuery(segmentQuery(id));
  if (error) return <Problem error={error} onRetry={refetch} />;
  if (segment === undefined) return <p className="waiting">Loading the editor …</p>;
  if (!segment?.filter) return <p>There is no segment with a filter to copy.</p>;
  return <EditorLoader segment={null} copied={segment} />;
}

/** Edits a segment with a filter. */
export function EditSegmentPage({ params }: { params: { id: string } }) {
  const { data: segment, error, refetch } = useQuery(segmentQuery(params.id));
  if (error && !segment) return <PageProblem error={error} onRetry={refetch} />;
  if (segment === undefined) return <p className="waiting">Loading the editor …</p>;
  if (segment === null) {
    return (
      <>
        <NotFound />
        <StrandedDraft segmentId={params.id} />
      </>
    );
  }
  if (!segment.editable) return <FrozenNotice segment={segment} />;
  return (
    <>
      <title>{`Edit ${segment.name} · Customer segments`}</title>
      <h1>Edit “{segment.name}”</h1>
      <EditorLoader key={segment.id} segment={segment} />
    </>
  );
}

/** Says why a segment can't be edited, and how to make one like it. */
function FrozenNotice({ segment }: { segment: ShownSegment }) {
  const canWrite = useCanWrite();
  const isStatic = segment.kind === "STATIC";
  return (
    <>
      <title>{`${segment.name} can’t be edited · Customer segments`}</title>
      <h1>“{segment.name}” can’t be edited</h1>
      <p>
        {isStatic
          ? "The customers of a fixed list can’t be changed later."
          : "The segment is active: what uses it relies on its filter."}
      </p>
      {!isStatic && <UseNames uses={segment.usedBy} />}
      <StrandedDraft segmentId={segment.id} />
      {canWrite && (
        <Link
          className="button"
          href={isStatic ? routes.changedCopy(segment.id) : routes.duplicate(segment.id)}
        >
          {isStatic ? "Make a changed copy" : "Duplicate as passive"}
        </Link>
      )}
    </>
  );
}

interface LoaderProps {
  /** The segment to edit; null for a new one. */
  segment: ShownSegment | null;
  /** The segment whose filter a new one gets. */
  copied?: ShownSegment;
  /** The segment whose kept draft a new one gets. */
  strandedId?: string | undefined;
}

/** Reads what the editor needs: the catalog, and the draft in the address if there is one. */
function EditorLoader({ segment, copied, strandedId }: LoaderProps) {
  const [copy] = useState(() => {
    if (strandedId) return readKept(strandedId)?.draft;
    return copied && toDraft({ ...copied, name: `${copied.name} (copy)` });
  });
  const catalog = useQuery(catalogQuery);
  const linked = useLinkedDraft();
  if (catalog.error) return <Problem error={catalog.error} onRetry={catalog.refetch} />;
  if (linked.error) return <Problem error={linked.error} />;
  if (!catalog.data || linked.isAwaited) return <p className="waiting">Loading the editor …</p>;
  return (
    <CatalogContext value={catalog.data}>
      <EditorSession
        segment={segment}
        proposed={linked.draft ?? copy ?? null}
        strandedId={strandedId}
      />
    </CatalogContext>
  );
}
