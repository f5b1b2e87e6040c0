import { type QueryKey, useMutation } from "@tanstack/react-query";
import { type ReactNode, useRef } from "react";
import type { TadaDocumentNode } from "../api/graphql";
import { type ApiProblem, request, requireNoUserErrors } from "../api/request";
import { useInvalidation } from "../api/useInvalidation";
import { ActionButton } from "./ActionButton";
import { Modal } from "./Modal";
import { Problem } from "./Problem";

type DeleteMutation = TadaDocumentNode<
  Record<string, { userErrors: readonly ApiProblem[] }>,
  { id: string }
>;

/** What is deleted, and how. */
export interface Deletion {
  /** What is deleted: "segment". */
  noun: string;
  id: string;
  name: string;
  /** What prevents the deletion. */
  uses?: readonly { id: string; name: string }[];
  mutation: DeleteMutation;
  /** The keys of the queries that are read again after the deletion. */
  affectedKeys: readonly QueryKey[];
  /** Is called when it is deleted and the dialog is closed. */
  onDeleted: () => void;
  /** What the deletion means. */
  children: ReactNode;
}

interface Props extends Deletion {
  onClose: () => void;
}

/** Asks before it deletes something. It names what uses it, and so prevents the deletion. */
export function DeleteDialog({
  noun,
  id,
  name,
  uses = [],
  mutation,
  affectedKeys,
  onDeleted,
  onClose,
  children,
}: Props) {
  const invalidate = useInvalidation();
  const dialog = useRef<HTMLDialogElement>(null);
  const deletion = useMutation({
    mutationFn: async () => {
      for (const { userErrors } of Object.values(await request(mutation, { id }))) {
        requireNoUserErrors(userErrors);
      }
    },
    onSuccess: () => {
      // An open dialog keeps the focus from the rest of the page.
      dialog.current?.close();
      invalidate(...affectedKeys);
      onDeleted();
    },
  });
  const isUsed = uses.length > 0;
  return (
    <Modal title={`Delete “${name}”?`} dialogRef={dialog} onClose={onClose}>
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
    </Modal>
  );
}
