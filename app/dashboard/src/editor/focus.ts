import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef } from "react";
import { type Edit, findParent } from "../filter/edit";
import type { GroupNode } from "../filter/node";

const CONTROLS = "select, input, textarea, button";

/** Where the focus goes: to a control of a part by its index, to its tools, or to its additions. */
interface FocusTarget {
  nodeId: string;
  place: number | "tools" | "additions";
}

/**
 * Moves the focus once an edit of the tree is shown. Returns a ref of the shown tree, and two
 * functions to be called before the change: one for an edit, and one for any other change of the
 * tree.
 */
export function useEditorFocus(form: RefObject<HTMLFormElement | null>, tree: GroupNode) {
  const shownTree = useRef(tree);
  const target = useRef<FocusTarget | "anywhere" | null>(null);
  useLayoutEffect(() => {
    shownTree.current = tree;
    const requested = target.current;
    target.current = null;
    if (!requested || !form.current) return;
    if (requested !== "anywhere") findControl(form.current, requested)?.focus();
    else if (document.activeElement === document.body) focusFirst(form.current);
  }, [tree, form]);
  const prepareEdit = useCallback((edit: Edit) => {
    target.current = findTarget(shownTree.current, edit);
  }, []);
  const prepareChange = useCallback(() => {
    target.current = "anywhere";
  }, []);
  return { shownTree, prepareEdit, prepareChange };
}

/** Focuses the first control of a part that was added last, or what adds parts after a removal. */
export function useFocusOnCount(count: number): RefObject<HTMLDivElement | null> {
  const parts = useRef<HTMLDivElement>(null);
  const shownCount = useRef(count);
  useEffect(() => {
    const added = count - shownCount.current;
    shownCount.current = count;
    if (added > 0) focusFirst(parts.current?.children[count - 1]);
    if (added < 0) parts.current?.querySelector<HTMLElement>("[data-adds]")?.focus();
  }, [count]);
  return parts;
}

function findTarget(root: GroupNode, edit: Edit): FocusTarget | null {
  switch (edit.type) {
    case "replace":
      return null;
    case "add":
    case "insertAfter":
      return { nodeId: edit.node.id, place: 0 };
    case "remove": {
      // The focus had been on the removed part.
      const parent = findParent(root, edit.id);
      const next = parent?.group.children[parent.index + 1];
      if (next) return { nodeId: next.id, place: "tools" };
      return { nodeId: parent?.group.id ?? root.id, place: "additions" };
    }
    default:
      return { nodeId: edit.id, place: indexOfFocus(edit.id) };
  }
}

/** Returns the index of the focused control among those of the part. */
function indexOfFocus(nodeId: string): number {
  const part = document.activeElement?.closest(`[data-node="${nodeId}"]`);
  const controls = [...(part?.querySelectorAll(CONTROLS) ?? [])];
  return Math.max(controls.indexOf(document.activeElement as Element), 0);
}

function findControl(form: Element, { nodeId, place }: FocusTarget) {
  if (typeof place === "string") {
    return form.querySelector<HTMLElement>(`[data-${place}="${nodeId}"] button`);
  }
  const part = form.querySelector(`[data-node="${nodeId}"]`);
  return part?.querySelectorAll<HTMLElement>(CONTROLS)[place];
}

function focusFirst(part: Element | null | undefined): void {
  part?.querySelector<HTMLElement>(CONTROLS)?.focus();
}
