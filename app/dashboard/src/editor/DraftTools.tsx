import { useMutation } from "@tanstack/react-query";
import type { ReactNode } from "react";
import type { EditedDraft } from "../drafts/editedDraft";
import type { Draft } from "../drafts/history";
import { toFragment } from "../drafts/link";
import { copyText } from "../ui/copyText";
import { announce } from "../ui/Status";
import { FilterTools } from "./FilterTools";
import { EDITOR_KEYS, type EditorActions } from "./keys";

interface Props {
  editedDraft: EditedDraft;
  actions: EditorActions;
  /** The filter as the API takes it; null without a finished condition. */
  filter: unknown;
  /** The button that saves the draft. */
  children: ReactNode;
}

/** Save, undo and redo, a link to the draft, the filter as text, and the keys. */
export function DraftTools({ editedDraft, actions, filter, children }: Props) {
  const link = useMutation({ mutationFn: () => copyLink(editedDraft.draft), onSuccess: announce });
  return (
    <div className="toolbar draft-tools">
      {children}
      {/* A disabled button would lose the focus. */}
      <button
        type="button"
        aria-disabled={!editedDraft.canUndo}
        aria-keyshortcuts="Control+Z"
        onClick={actions.undo}
      >
        Undo
      </button>
      <button
        type="button"
        aria-disabled={!editedDraft.canRedo}
        aria-keyshortcuts="Control+Shift+Z"
        onClick={actions.redo}
      >
        Redo
      </button>
      <button type="button" onClick={() => link.mutate()}>
        Copy link
      </button>
      <FilterTools filter={filter} rootId={editedDraft.draft.tree.id} />
      {link.data && <span className="hint">{link.data}</span>}
      {link.error && (
        <span className="field-problem" role="alert">
          {link.error.message}
        </span>
      )}
      <details>
        <summary>Shortcuts</summary>
        <dl>
          {EDITOR_KEYS.map(([keys, action]) => (
            <div key={keys}>
              <dt>
                <kbd>{keys}</kbd>
              </dt>
              <dd>{action}</dd>
            </div>
          ))}
        </dl>
      </details>
    </div>
  );
}

/** Puts the draft into the address, and copies the address. Returns what it did. */
async function copyLink(draft: Draft): Promise<string> {
  const fragment = await toFragment(draft);
  if (!fragment) throw new Error("The filter is too long for a link.");
  window.history.replaceState(null, "", fragment);
  const isCopied = await copyText(window.location.href);
  return isCopied ? "The link is copied." : "The link is in the address bar.";
}
