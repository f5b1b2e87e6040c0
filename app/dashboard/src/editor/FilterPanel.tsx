import "./editor.css";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { useHistory } from "../drafts/editedDraft";
import { createDraft } from "../drafts/history";
import type { GroupNode } from "../filter/node";
import { toSentFilter } from "../filter/send";
import { formatCount } from "../ui/formats";
import { Problem } from "../ui/Problem";
import { useDebounced } from "../ui/useDebounced";
import { CatalogContext, catalogQuery, useCatalog } from "./catalog";
import { EditContext, ProblemContext } from "./editing";
import { GroupEditor } from "./GroupEditor";
import { useEditorKeys } from "./keys";
import { placeProblems } from "./problems";
import type { FilterInput } from "./queries";
import { useEditorActions } from "./useEditorActions";

interface Props {
  /** The filter with which the panel opens; without one it is closed at first. */
  linkedTree?: GroupNode | undefined;
  /** The error of the query with the filter. */
  error: Error | null;
  /** Called when the user pauses, with the finished conditions. It must stay the same function. */
  onChange: (filter: FilterInput | null, tree: GroupNode) => void;
}

/** A filter that narrows a list of customers. It is loaded when it is first opened. */
export function FilterPanel(props: Props) {
  const [isLoaded, setLoaded] = useState(props.linkedTree !== undefined);
  return (
    <details
      open={isLoaded}
      onToggle={({ currentTarget }) => setLoaded(currentTarget.open || isLoaded)}
    >
      <summary>Filter</summary>
      {isLoaded && <FilterLoader {...props} />}
    </details>
  );
}

function FilterLoader(props: Props) {
  const catalog = useQuery(catalogQuery);
  if (catalog.error) return <Problem error={catalog.error} onRetry={catalog.refetch} />;
  if (!catalog.data) return <p className="waiting">Loading the filter …</p>;
  return (
    <CatalogContext value={catalog.data}>
      <FilterForm {...props} />
    </CatalogContext>
  );
}

function FilterForm({ linkedTree, error, onChange }: Props) {
  const { operands } = useCatalog();
  const form = useRef<HTMLFormElement>(null);
  const [initial] = useState(() => createDraft(linkedTree));
  const editedDraft = useHistory(initial);
  const actions = useEditorActions(form, editedDraft);
  useEditorKeys(form, actions);
  const tree = useDebounced(editedDraft.draft.tree);
  const sent = useMemo(() => toSentFilter(tree, operands), [tree, operands]);
  useEffect(() => {
    onChange(sent.filter as FilterInput | null, tree);
  }, [sent, tree, onChange]);
  const problems = useMemo(
    () => placeProblems([error], sent.findPlace, tree.id),
    [error, sent, tree],
  );
  return (
    <EditContext value={actions}>
      <ProblemContext value={problems.ofNodes}>
        <form ref={form} aria-label="Filter" onSubmit={(event) => event.preventDefault()}>
          <GroupEditor group={editedDraft.draft.tree} isRoot />
          {sent.unfinishedCount > 0 && (
            <p className="hint">
              {formatCount(sent.unfinishedCount, "condition")} not finished, and left out.
            </p>
          )}
        </form>
      </ProblemContext>
    </EditContext>
  );
}
