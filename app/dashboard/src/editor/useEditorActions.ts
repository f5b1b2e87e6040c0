import { type RefObject, useMemo } from "react";
import type { EditedDraft } from "../drafts/editedDraft";
import { findParent } from "../filter/edit";
import { copyNode } from "../filter/node";
import { useEditorFocus } from "./focus";
import type { EditorActions } from "./keys";

/** What controls and keys do to the draft. It stays the same, so that parts can be memoized. */
export function useEditorActions(
  form: RefObject<HTMLFormElement | null>,
  { draft: { tree }, edit, undo, redo }: EditedDraft,
): EditorActions {
  const { shownTree, prepareEdit, prepareChange } = useEditorFocus(form, tree);
  return useMemo<EditorActions>(() => {
    const editTree: EditorActions["edit"] = (change) => {
      prepareEdit(change);
      edit(change);
    };
    return {
      edit: editTree,
      duplicate(id) {
        const parent = findParent(shownTree.current, id);
        const node = parent?.group.children[parent.index];
        if (node) editTree({ type: "insertAfter", id, node: copyNode(node) });
      },
      undo() {
        prepareChange();
        undo();
      },
      redo() {
        prepareChange();
        redo();
      },
      save: () => form.current?.requestSubmit(),
    };
  }, [edit, undo, redo, form, shownTree, prepareEdit, prepareChange]);
}
