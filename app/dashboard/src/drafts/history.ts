import { applyEdit, type Edit } from "../filter/edit";
import { createAttribute, createGroup, type GroupNode, toTree } from "../filter/node";
import type { Filter } from "../filter/types";
import type { ShownSegment } from "../segments/queries";

const MAX_STEPS = 100;
// Edits of one field within this time are undone in one step.
const TYPING_PAUSE_MS = 500;

/** A segment as it is in the editor. */
export interface Draft {
  name: string;
  description: string;
  tree: GroupNode;
}

/** Returns a draft without a name; without a tree, with one unfinished condition. */
export const createDraft = (tree = createGroup("all", [createAttribute()])): Draft => ({
  name: "",
  description: "",
  tree,
});

/** Returns a saved segment with a filter as a draft. */
export const toDraft = ({ name, description, filter }: ShownSegment): Draft => ({
  name,
  description: description ?? "",
  tree: toTree(filter as Filter),
});

export type DraftEdit =
  | Edit
  | { type: "rename"; name: string }
  | { type: "describe"; description: string };

export interface History {
  past: readonly Draft[];
  present: Draft;
  future: readonly Draft[];
  /** What the last edit changed, and when. */
  lastEdit: { field: string | null; at: number } | null;
}

export type HistoryAction =
  | { type: "edit"; edit: DraftEdit; at: number }
  | { type: "undo" }
  | { type: "redo" };

export const createHistory = (present: Draft): History => ({
  past: [],
  present,
  future: [],
  lastEdit: null,
});

/** Edits the draft, or takes the last edit back, or makes it again. */
export function applyToHistory(history: History, action: HistoryAction): History {
  const { past, present, future } = history;
  switch (action.type) {
    case "edit":
      return editPresent(history, action.edit, action.at);
    case "undo": {
      const previous = past.at(-1);
      if (!previous) return history;
      return {
        past: past.slice(0, -1),
        present: previous,
        future: [present, ...future],
        lastEdit: null,
      };
    }
    case "redo": {
      const [next, ...rest] = future;
      if (!next) return history;
      return { past: [...past, present], present: next, future: rest, lastEdit: null };
    }
  }
}

function editPresent(history: History, edit: DraftEdit, at: number): History {
  const { past, present, lastEdit } = history;
  const next = applyDraftEdit(present, edit);
  if (next === present) return history;
  const field = nameField(edit);
  const isTyping =
    field !== null && lastEdit?.field === field && at - lastEdit.at < TYPING_PAUSE_MS;
  return {
    past: isTyping ? past : [...past, present].slice(-MAX_STEPS),
    present: next,
    future: [],
    lastEdit: { field, at },
  };
}

function applyDraftEdit(draft: Draft, edit: DraftEdit): Draft {
  switch (edit.type) {
    case "rename":
      return { ...draft, name: edit.name };
    case "describe":
      return { ...draft, description: edit.description };
    default: {
      const tree = applyEdit(draft.tree, edit);
      return tree === draft.tree ? draft : { ...draft, tree };
    }
  }
}

/** Returns what the user types in; null for an edit that is a step of its own. */
function nameField(edit: DraftEdit): string | null {
  if (edit.type === "replace") return edit.node.id;
  return edit.type === "rename" || edit.type === "describe" ? edit.type : null;
}
