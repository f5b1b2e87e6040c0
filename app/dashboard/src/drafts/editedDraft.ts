import { useCallback, useEffect, useReducer, useState } from "react";
import { applyToHistory, createHistory, type Draft, type DraftEdit } from "./history";
import { toDraftJson } from "./serialize";
import { forgetDraft, keepDraft, watchOtherTabs } from "./storage";

export interface DraftOrigin {
  /** The segment that is edited; undefined for a new one. */
  segmentId: string | undefined;
  /** `updatedAt` of the segment when the draft began. */
  updatedAt: string | undefined;
  /** The draft without any edit. */
  unchanged: Draft;
  /** Where the editor starts: there, or with a kept or a linked draft. */
  initial: Draft;
}

/** A draft whose edits can be undone. */
export type EditedDraft = ReturnType<typeof useHistory>;

export function useHistory(initial: Draft) {
  const [history, dispatch] = useReducer(applyToHistory, initial, createHistory);
  return {
    draft: history.present,
    canUndo: history.past.length > 0,
    canRedo: history.future.length > 0,
    edit: useCallback(
      (change: DraftEdit) => dispatch({ type: "edit", edit: change, at: Date.now() }),
      [],
    ),
    undo: useCallback(() => dispatch({ type: "undo" }), []),
    redo: useCallback(() => dispatch({ type: "redo" }), []),
  };
}

/** What may keep the browser from having the draft when the page is left. */
export interface KeepingProblems {
  /** The storage of the browser is full. */
  lacksRoom: boolean;
  /** Another tab has kept its own draft in the place of this one, or has forgotten it. */
  isReplaced: boolean;
}

/** Keeps the draft in this browser while it differs from the segment. */
export function useKeptDraft(
  draft: Draft,
  { segmentId, updatedAt, unchanged }: Omit<DraftOrigin, "initial">,
): KeepingProblems {
  const [isKept, setKept] = useState(true);
  const [isReplaced, setReplaced] = useState(false);
  useEffect(() => watchOtherTabs(segmentId, () => setReplaced(true)), [segmentId]);
  useEffect(() => {
    if (draft === unchanged) {
      forgetDraft(segmentId);
      return;
    }
    const editedAt = new Date().toISOString();
    setKept(keepDraft(segmentId, { editedAt, updatedAt, draft: toDraftJson(draft) }));
  }, [draft, unchanged, segmentId, updatedAt]);
  return { lacksRoom: !isKept, isReplaced };
}
