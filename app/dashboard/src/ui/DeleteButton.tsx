import { useMutation } from "@tanstack/react-query";
import { type ReactNode, useId, useRef } from "react";
import { ActionButton } from "./ActionButton";
import { Problem } from "./Problem";

interface Props {
  /** What is deleted: "segment". */
  noun: string;
  name: string;
  /** What prevents the deletion. */
  uses?: readonly { id: string; name: string }[];
  /** Deletes it. Throws an error that says why it can't be deleted. */
  onDelete: () => Promise<void>;
  /** Is called when it is deleted and the dialog is closed. */
  onDeleted: () => void;
  /** What the deletion means. */
  children: ReactNode;
}

/** Deletes something after a question. It names what uses it, and so prevents the deletion. */
export function DeleteButton({ noun, name, uses = [], onDelete, onDeleted, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  const deletion = useMutation({
    mutationFn: onDelete,
    onSuccess: () => {
      // An open dialog keeps the focus from the rest of the page.
      dialog.current?.close();
      onDeleted();
    },
  });
  const isUsed = uses.length > 0;

  function open() {
    deletion.reset();
    dialog.current?.showModal();
  }
  return (
    <>
      <button type="button" aria-label={`Delete ${name}`} onClick={open}>
        Delete
      </button>
      <dialog ref={dialog} aria-labelledby={heading}>
        <h2 id={heading}>Delete “{name}”?</h2>
        {deletion.error && <Problem error={deletion.error} />}
        {isUsed ? (
          <>
            <p>It can’t be deleted while these use it:</p>
            <ul>
              {uses.map((use) => (
                <li key={use.id}>{use.name}</li>
              ))}
            </ul>
          </>
        ) : (
          <p>{children}</p>
        )}
        <div className="toolbar">
          <button type="button" onClick={() => dialog.current?.close()}>
            {isUsed ? "Close" : "Cancel"}
          </button>
          {!isUsed && (
            <ActionButton
              className="dangerous"
              isPending={deletion.isPending}
              onClick={() => deletion.mutate()}
            >
              Delete the {noun}
            </ActionButton>
          )}
        </div>
      </dialog>
    </>
  );
}
