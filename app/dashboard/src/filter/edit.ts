import type { FilterNode, GroupNode } from "./node";

export type Edit =
  | { type: "replace"; node: FilterNode }
  | { type: "add"; groupId: string; node: FilterNode }
  | { type: "remove"; id: string }
  | { type: "move"; id: string; by: -1 | 1 };

/** Applies an edit to the tree. Parts that it does not change stay the same objects. */
export function applyEdit(root: GroupNode, edit: Edit): GroupNode {
  switch (edit.type) {
    case "replace":
      if (edit.node.id === root.id) return edit.node as GroupNode;
      return editChildren(root, (children) =>
        children.map((child) => (child.id === edit.node.id ? edit.node : child)),
      );
    case "add":
      return editChildren(root, (children, group) =>
        group.id === edit.groupId ? [...children, edit.node] : children,
      );
    case "remove":
      return editChildren(root, (children) => children.filter((child) => child.id !== edit.id));
    case "move":
      return editChildren(root, (children) => moveChild(children, edit.id, edit.by));
  }
}

function editChildren(
  group: GroupNode,
  edit: (children: FilterNode[], group: GroupNode) => FilterNode[],
): GroupNode {
  const edited = edit(group.children, group).map((child) =>
    child.kind === "group" ? editChildren(child, edit) : child,
  );
  const isSame =
    edited.length === group.children.length &&
    edited.every((child, index) => child === group.children[index]);
  return isSame ? group : { ...group, children: edited };
}

function moveChild(children: FilterNode[], id: string, by: -1 | 1): FilterNode[] {
  const from = children.findIndex((child) => child.id === id);
  const moved = children[from];
  const to = from + by;
  if (!moved || to < 0 || to >= children.length) return children;
  const others = children.filter((child) => child !== moved);
  return [...others.slice(0, to), moved, ...others.slice(to)];
}
