import { type RefObject, useEffect } from "react";
import type { Edit } from "../filter/edit";

/** The keys of the editor, and what they do. */
export const EDITOR_KEYS = [
  ["Ctrl+Z", "take the last edit back"],
  ["Ctrl+Shift+Z", "make it again"],
  ["Ctrl+S", "save"],
  ["Alt+↑, Alt+↓", "move the condition"],
  ["Ctrl+G", "move the condition into a group"],
  ["Ctrl+Shift+G", "move it out of its group"],
  ["Ctrl+D", "duplicate the condition"],
  ["Delete", "remove the condition; not while typing"],
] as const;

export interface EditorActions {
  edit: (edit: Edit) => void;
  duplicate: (nodeId: string) => void;
  undo: () => void;
  redo: () => void;
  save: () => void;
}

/** Lets keys edit the draft, and the condition with the focus. */
export function useEditorKeys(form: RefObject<HTMLFormElement | null>, actions: EditorActions) {
  useEffect(() => {
    const element = form.current;
    if (!element) return;
    const handleKey = (event: KeyboardEvent) => {
      const action = findAction(event, actions);
      if (!action) return;
      event.preventDefault();
      action();
    };
    element.addEventListener("keydown", handleKey);
    return () => element.removeEventListener("keydown", handleKey);
  }, [form, actions]);
}

function findAction(event: KeyboardEvent, actions: EditorActions): (() => void) | undefined {
  const target = event.target as Element;
  const nodeId = target.closest<HTMLElement>("li[data-node]")?.dataset.node;
  const key = nameKey(event);
  switch (key) {
    case "Mod+Z":
      return actions.undo;
    case "Mod+Shift+Z":
    case "Mod+Y":
      return actions.redo;
    case "Mod+S":
      return actions.save;
  }
  return nodeId ? findPartAction(key, nodeId, target, actions) : undefined;
}

function findPartAction(key: string, id: string, target: Element, actions: EditorActions) {
  const { edit, duplicate } = actions;
  switch (key) {
    case "Alt+ARROWUP":
      return () => edit({ type: "move", id, by: -1 });
    case "Alt+ARROWDOWN":
      return () => edit({ type: "move", id, by: 1 });
    case "Mod+G":
      return () => edit({ type: "moveIn", id });
    case "Mod+Shift+G":
      return () => edit({ type: "moveOut", id });
    case "Mod+D":
      return () => duplicate(id);
    case "DELETE":
      return target.matches("input, textarea, .chip *")
        ? undefined
        : () => edit({ type: "remove", id });
    default:
      return undefined;
  }
}

/** Returns the names of the pressed keys. `Mod` is Ctrl, or Command on a Mac. */
function nameKey({ key, ctrlKey, metaKey, altKey, shiftKey }: KeyboardEvent): string {
  const parts = [(ctrlKey || metaKey) && "Mod", altKey && "Alt", shiftKey && "Shift"];
  return [...parts.filter(Boolean), key.toUpperCase()].join("+");
}
