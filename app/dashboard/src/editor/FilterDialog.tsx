import { useMutation } from "@tanstack/react-query";
import { type ReactNode, useId, useRef, useState } from "react";
import type { GroupNode } from "../filter/node";
import { ActionButton } from "../ui/ActionButton";
import { Modal } from "../ui/Modal";
import { announce } from "../ui/Status";

export interface FilterDialogProps {
  /** The filter in the editor, as the API takes it; null without a finished condition. */
  filter: unknown;
  /** Puts another filter in its place. */
  onUse: (tree: GroupNode) => void;
  onClose: () => void;
}

interface Props extends FilterDialogProps {
  title: string;
  label: string;
  initialText: string;
  /** The name of the button that puts the filter into the editor. */
  action: string;
  /** Returns the filter that the text describes. Throws an error that says what is wrong. */
  read: (text: string) => Promise<GroupNode>;
  /** More buttons. */
  children?: (text: string) => ReactNode;
}

/** A dialog that takes a filter as text. */
export function FilterDialog(props: Props) {
  const { title, label, initialText, action, read, onUse, onClose, children } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState(initialText);
  const problem = useId();
  const use = useMutation({
    mutationFn: read,
    onSuccess: (tree) => {
      onUse(tree);
      announce("The filter is in the editor. Undo brings the earlier one back.");
      // An open dialog keeps the focus from the rest of the page.
      dialog.current?.close();
    },
  });
  return (
    <Modal title={title} className="filter-dialog" dialogRef={dialog} onClose={onClose}>
      <textarea
        aria-label={label}
        aria-invalid={use.isError}
        aria-describedby={problem}
        placeholder={label}
        rows={14}
        spellCheck={false}
        value={text}
        onChange={({ target }) => setText(target.value)}
      />
      <p id={problem} className="field-problem" role="alert">
        {use.error?.message}
      </p>
      <div className="toolbar">
        <ActionButton
          className="primary"
          isPending={use.isPending}
          onClick={() => use.mutate(text)}
        >
          {action}
        </ActionButton>
        {children?.(text)}
        <button type="button" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </div>
    </Modal>
  );
}

/** Returns the value of the JSON. Throws an error that says where it is broken. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`This is no JSON: ${(error as Error).message}`);
  }
}
