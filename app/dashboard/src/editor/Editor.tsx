import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useReducer, useState } from "react";
import { useCanWrite } from "../access/viewer";
import { request, requireNoUserErrors } from "../api/request";
import { applyEdit } from "../filter/edit";
import type { GroupNode } from "../filter/node";
import { CreateSegment, UpdateSegment } from "../segments/operations";
import { Problem } from "../ui/Problem";
import { useCatalog } from "./catalog";
import { EditContext, ProblemContext } from "./editing";
import { GroupEditor } from "./GroupEditor";
import { Preview } from "./Preview";
import { type FilterInput, usePreview } from "./usePreview";

interface Props {
  /** The segment to change; absent for a new one. */
  saved?: { id: string; updatedAt: string };
  initialName: string;
  createTree: () => GroupNode;
  onSaved: (id: string) => void;
}

/** The name and the filter of a segment, with a preview of who meets it. */
export function Editor({ saved, initialName, createTree, onSaved }: Props) {
  const { operands } = useCatalog();
  const [name, setName] = useState(initialName);
  const [tree, edit] = useReducer(applyEdit, undefined, createTree);
  // Refetching the segment must not change what the draft began from.
  const [base] = useState(saved);
  const canWrite = useCanWrite();
  const preview = usePreview(tree, operands);
  const { filter } = preview;
  const queryClient = useQueryClient();
  const save = useMutation({
    mutationFn: (input: SaveInput) => saveSegment(input, base),
    onSuccess: (id) => {
      queryClient.removeQueries({ queryKey: ["segment", id] });
      queryClient.removeQueries({ queryKey: ["members", id] });
      queryClient.removeQueries({ queryKey: ["memberCount", id] });
      queryClient.invalidateQueries({ queryKey: ["segments"] });
      // The editor closes: it would begin to read the catalog, and give up.
      queryClient.invalidateQueries({ queryKey: ["catalog"], refetchType: "none" });
      onSaved(id);
    },
  });
  const canSave = name && filter && !preview.isStale && preview.unfinishedCount === 0;
  return (
    <EditContext value={edit}>
      <ProblemContext value={preview.problem}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (canWrite && canSave) save.mutate({ name, filter });
          }}
        >
          {save.error && <Problem error={save.error} />}
          <div className="toolbar">
            <label>
              Name
              <input required value={name} onChange={(event) => setName(event.target.value)} />
            </label>
            {canWrite && (
              <button type="submit" className="primary" disabled={!canSave || save.isPending}>
                Save
              </button>
            )}
          </div>
          <div className="editor">
            <GroupEditor group={tree} />
            <Preview preview={preview} segmentId={saved?.id} />
          </div>
        </form>
      </ProblemContext>
    </EditContext>
  );
}

interface SaveInput {
  name: string;
  filter: FilterInput;
}

/** Creates or changes the segment; returns its id. */
async function saveSegment({ name, filter }: SaveInput, base: Props["saved"]): Promise<string> {
  const payload = base
    ? await request(UpdateSegment, {
        id: base.id,
        input: { name, filter, unchangedSince: base.updatedAt },
      }).then((data) => data.segmentUpdate)
    : await request(CreateSegment, { input: { name, definition: { filter } } }).then(
        (data) => data.segmentCreate,
      );
  requireNoUserErrors(payload.userErrors);
  if (!payload.segment) throw new Error("The API returned no segment.");
  return payload.segment.id;
}
