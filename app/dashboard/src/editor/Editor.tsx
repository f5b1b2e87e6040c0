import { type FormEvent, useEffect, useMemo, useRef, useState } from "react";
import { useCanWrite } from "../access/viewer";
import type { Customer } from "../customers/queries";
import { type DraftOrigin, useHistory, useKeptDraft } from "../drafts/editedDraft";
import { KeepingNotice } from "../drafts/KeepingNotice";
import { toSentFilter } from "../filter/send";
import type { ShownSegment } from "../segments/queries";
import { ActionButton } from "../ui/ActionButton";
import { ErrorBoundary } from "../ui/ErrorBoundary";
import { Problem } from "../ui/Problem";
import { announce } from "../ui/Status";
import { Conflict } from "./Conflict";
import { useCatalog } from "./catalog";
import { DraftTools } from "./DraftTools";
import { EffectNotice } from "./EffectNotice";
import { EditContext, JudgementContext, ProblemContext, SegmentIdContext } from "./editing";
import { GroupEditor } from "./GroupEditor";
import { useEditorKeys } from "./keys";
import { Preview } from "./Preview";
import type { FilterInput } from "./queries";
import { TryCustomer } from "./TryCustomer";
import { useEditorActions } from "./useEditorActions";
import { useJudgement } from "./useJudgement";
import { usePreview } from "./usePreview";
import { isConflict, useSaveSegment } from "./useSaveSegment";

interface Props {
  /** The segment as it is saved now; null for a new one. */
  segment: ShownSegment | null;
  origin: DraftOrigin;
  /** Whether the name gets the focus when the editor opens. */
  takesFocus: boolean;
  onSaved: (id: string) => void;
  /** Opens the editor anew, with the segment as it is saved now. */
  onRestart: () => void;
}

/** Name, description and filter of a segment, with a preview of who meets the filter. */
export function Editor({ segment, origin, takesFocus, onSaved, onRestart }: Props) {
  const { operands } = useCatalog();
  const canWrite = useCanWrite();
  const form = useRef<HTMLFormElement>(null);
  // Refetching the segment must not change what the draft began from.
  const [updatedAt, setUpdatedAt] = useState(origin.updatedAt);
  const editedDraft = useHistory(origin.initial);
  const { draft } = editedDraft;
  const keepingProblems = useKeptDraft(draft, { ...origin, updatedAt });
  const actions = useEditorActions(form, editedDraft);
  const [triedCustomer, setTriedCustomer] = useState<Customer | null>(null);
  const preview = usePreview(draft.tree, operands, origin.segmentId);
  const judgement = useJudgement(preview, triedCustomer);
  const current = useMemo(() => toSentFilter(draft.tree, operands), [draft.tree, operands]);
  const save = useSaveSegment(origin.segmentId, onSaved);
  useEditorKeys(form, actions);
  useEffect(() => {
    if (takesFocus) focusName(form.current);
  }, [takesFocus]);

  const isFinished = draft.name && current.filter && current.unfinishedCount === 0;
  const canSave = isFinished && !preview.isRefused;
  const isOvertaken = segment !== null && segment.updatedAt !== updatedAt;

  function submit(event: FormEvent) {
    event.preventDefault();
    if (!canWrite || save.isPending) return;
    if (!isFinished) announce("Give a name and finish each condition to save.");
    else if (!canSave) announce("The API refuses a condition: it says why when you leave it.");
    else save.mutate({ ...draft, filter: current.filter as FilterInput, updatedAt });
  }

  return (
    <EditContext value={actions}>
      <ProblemContext value={preview.problems.ofNodes}>
        <JudgementContext value={judgement.marks}>
          {save.error && !isConflict(save.error) && <Problem error={save.error} />}
          {isOvertaken && (
            <Conflict
              theirs={segment}
              mine={{ ...draft, filterText: preview.data?.filterText }}
              onKeepMine={() => {
                save.reset();
                setUpdatedAt(segment.updatedAt);
                // The button is about to go.
                focusName(form.current);
              }}
              onTakeTheirs={onRestart}
            />
          )}
          <div className="editor">
            <form ref={form} onSubmit={submit}>
              <div className="fields">
                <label>
                  Name
                  <input
                    required
                    value={draft.name}
                    onChange={({ target }) =>
                      editedDraft.edit({ type: "rename", name: target.value })
                    }
                  />
                </label>
                <label>
                  Description
                  <input
                    value={draft.description}
                    onChange={({ target }) =>
                      editedDraft.edit({ type: "describe", description: target.value })
                    }
                  />
                </label>
              </div>
              {segment && canWrite && <EffectNotice segment={segment} />}
              <DraftTools editedDraft={editedDraft} actions={actions} filter={current.filter}>
                {canWrite && (
                  <ActionButton
                    type="submit"
                    className="primary"
                    aria-keyshortcuts="Control+S"
                    disabled={!canSave}
                    isPending={save.isPending}
                  >
                    Save
                  </ActionButton>
                )}
              </DraftTools>
              <KeepingNotice {...keepingProblems} />
              <SegmentIdContext value={origin.segmentId}>
                <GroupEditor group={draft.tree} isRoot />
              </SegmentIdContext>
            </form>
            <div className="preview">
              <ErrorBoundary>
                <Preview preview={preview} />
              </ErrorBoundary>
              <TryCustomer
                customer={triedCustomer}
                onChoose={setTriedCustomer}
                judgement={judgement}
              />
            </div>
          </div>
        </JudgementContext>
      </ProblemContext>
    </EditContext>
  );
}

const focusName = (form: HTMLFormElement | null) => form?.querySelector("input")?.focus();
