import { useEdit } from "./editing";

interface Props {
  nodeId: string;
  canMoveOut: boolean;
}

/** Buttons that move, duplicate and remove a part of a group. */
export function PartTools({ nodeId, canMoveOut }: Props) {
  const { edit, duplicate } = useEdit();
  const tools = [
    { name: "Move up", sign: "↑", keys: "Alt+ArrowUp", use: () => move(-1) },
    { name: "Move down", sign: "↓", keys: "Alt+ArrowDown", use: () => move(1) },
    {
      name: "Move into a group",
      sign: "→",
      keys: "Control+G",
      use: () => edit({ type: "moveIn", id: nodeId }),
    },
    {
      name: "Move out of the group",
      sign: "←",
      keys: "Control+Shift+G",
      isDisabled: !canMoveOut,
      use: () => edit({ type: "moveOut", id: nodeId }),
    },
    { name: "Duplicate", sign: "Duplicate", keys: "Control+D", use: () => duplicate(nodeId) },
  ];
  function move(by: -1 | 1) {
    edit({ type: "move", id: nodeId, by });
  }
  return (
    <span className="part-tools" data-tools={nodeId}>
      {tools.map(({ name, sign, keys, isDisabled, use }) => (
        <button
          key={name}
          type="button"
          aria-label={name}
          title={name}
          aria-keyshortcuts={keys}
          // A disabled button would lose the focus.
          aria-disabled={isDisabled}
          onClick={use}
        >
          {sign}
        </button>
      ))}
      <button
        type="button"
        aria-keyshortcuts="Delete"
        onClick={() => edit({ type: "remove", id: nodeId })}
      >
        Remove
      </button>
    </span>
  );
}
