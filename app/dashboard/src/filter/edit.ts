import { createGroup, type FilterNode, type GroupNode } from "./node";

export type Edit =
  | { type: "replace"; node: FilterNode }
  | { type: "add"; groupId: string; node: FilterNode }
  | { type: "insertAfter"; id: string; node: FilterNode }
  | { type: "remove"; id: string }
  | { type: "move"; id: string; by: -1 | 1 }
  | { type: "moveIn"; id: string }
  | { type: "moveOut"; id: string };

/** Applies an edit to the tree. Parts that it does not change stay the same objects. */
export function applyEdit(root: GroupNode, edit: Edit): GroupNode {
  switch (edit.type) {
    case "replace":
      if (edit.node.id === root.id) return edit.node as GroupNode;
      return editSiblings(root, edit.node.id, (children, index) => children.with(index, edit.node));
    case "add":
      return editGroup(root, edit.groupId, (group) => ({
        ...group,
        children: [...group.children, edit.node],
      }));
    case "insertAfter":
      return editSiblings(root, edit.id, (children, index) =>
        children.toSpliced(index + 1, 0, edit.node),
      );
    case "remove":
      return editSiblings(root, edit.id, (children, index) => children.toSpliced(index, 1));
    case "move":
      return editSiblings(root, edit.id, (children, index) =>
        moveChild(children, index, index + edit.by),
      );
    case "moveIn":
      return editSiblings(root, edit.id, moveIntoGroup);
    case "moveOut":
      return moveOut(root, edit.id);
  }
}

/** Returns the group that has the part as a child, and its index there; null for the root. */
export function findParent(
  root: GroupNode,
  id: string,
): { group: GroupNode; index: number } | null {
  const index = root.children.findIndex((child) => child.id === id);
  if (index >= 0) return { group: root, index };
  for (const child of root.children) {
    const found = child.kind === "group" && findParent(child, id);
    if (found) return found;
  }
  return null;
}

function editGroup(group: GroupNode, id: string, edit: (group: GroupNode) => GroupNode): GroupNode {
  if (group.id === id) return edit(group);
  const children = group.children.map((child) =>
    child.kind === "group" ? editGroup(child, id, edit) : child,
  );
  const isSame = children.every((child, index) => child === group.children[index]);
  return isSame ? group : { ...group, children };
}

/** Edits the children of the group that has the part. */
function editSiblings(
  root: GroupNode,
  id: string,
  edit: (children: FilterNode[], index: number) => FilterNode[],
): GroupNode {
  const parent = findParent(root, id);
  if (!parent) return root;
  const children = edit(parent.group.children, parent.index);
  if (children === parent.group.children) return root;
  return editGroup(root, parent.group.id, (group) => ({ ...group, children }));
}

function moveChild(children: FilterNode[], from: number, to: number): FilterNode[] {
  const moved = children[from];
  if (!moved || to < 0 || to >= children.length) return children;
  return children.toSpliced(from, 1).toSpliced(to, 0, moved);
}

/** Moves a child into the group above it; without one, into a new group. */
function moveIntoGroup(children: FilterNode[], index: number): FilterNode[] {
  const above = children[index - 1];
  const moved = children[index];
  if (!moved) return children;
  if (above?.kind !== "group") return children.with(index, createGroup("all", [moved]));
  const group = { ...above, children: [...above.children, moved] };
  return children.toSpliced(index - 1, 2, group);
}

/** Moves a part out of its group, to the place after it. A group that becomes empty goes. */
function moveOut(root: GroupNode, id: string): GroupNode {
  const parent = findParent(root, id);
  const moved = parent?.group.children[parent.index];
  if (!parent || !moved || parent.group === root) return root;
  const rest = parent.group.children.toSpliced(parent.index, 1);
  return editSiblings(root, parent.group.id, (children, index) =>
    rest.length > 0
      ? children.toSpliced(index, 1, { ...parent.group, children: rest }, moved)
      : children.with(index, moved),
  );
}
