import "./editor.css";
import { useQuery } from "@tanstack/react-query";
import { useLocation } from "wouter";
import { createAttribute, createGroup, toTree } from "../filter/node";
import type { Filter } from "../filter/types";
import { routes } from "../routes";
import { segmentQuery } from "../segments/queries";
import { NotFound } from "../ui/NotFound";
import { Problem } from "../ui/Problem";
import { CatalogContext, catalogQuery } from "./catalog";
import { Editor } from "./Editor";

/** Makes a new segment with a filter. */
export function NewSegmentPage() {
  const [, navigate] = useLocation();
  const catalog = useQuery(catalogQuery);
  if (catalog.error) return <Problem error={catalog.error} onRetry={catalog.refetch} />;
  if (!catalog.data) return <p className="waiting">Loading the editor …</p>;
  return (
    <CatalogContext value={catalog.data}>
      <title>New segment · Customer segments</title>
      <h1>New segment</h1>
      <Editor
        initialName=""
        createTree={() => createGroup("all", [createAttribute()])}
        onSaved={(id) => navigate(routes.segment(id))}
      />
    </CatalogContext>
  );
}

/** Edits the name and the filter of a segment. */
export function EditSegmentPage({ params }: { params: { id: string } }) {
  const [, navigate] = useLocation();
  const catalog = useQuery(catalogQuery);
  const segment = useQuery(segmentQuery(params.id));
  const error = catalog.error ?? segment.error;
  if (error) return <Problem error={error} onRetry={() => window.location.reload()} />;
  if (!catalog.data || segment.data === undefined) {
    return <p className="waiting">Loading the editor …</p>;
  }
  if (!segment.data?.editable) return <NotFound />;
  const { id, name, filter, updatedAt } = segment.data;
  return (
    <CatalogContext value={catalog.data}>
      <title>{`Edit ${name} · Customer segments`}</title>
      <h1>Edit “{name}”</h1>
      <Editor
        key={id}
        saved={{ id, updatedAt }}
        initialName={name}
        createTree={() => toTree(filter as Filter)}
        onSaved={(savedId) => navigate(routes.segment(savedId))}
      />
    </CatalogContext>
  );
}
