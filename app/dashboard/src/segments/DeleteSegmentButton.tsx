import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useId, useRef } from "react";
import { request, requireNoUserErrors } from "../api/request";
import { ActionButton } from "../ui/ActionButton";
import { Problem } from "../ui/Problem";
import { DeleteSegment } from "./operations";
import type { ShownSegment } from "./queries";

interface Props {
  segment: ShownSegment;
  onDeleted: () => void;
}

/** Deletes the segment after a question. It names what uses the segment, and so prevents it. */
export function DeleteSegmentButton({ segment, onDeleted }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  const queryClient = useQueryClient();
  const deletion = useMutation({
    mutationFn: async () => {
      const { segmentDelete } = await request(DeleteSegment, { id: segment.id });
      requireNoUserErrors(segmentDelete.userErrors);
    },
    onSuccess: () => {
      queryClient.removeQueries({ queryKey: ["segment", segment.id] });
      queryClient.invalidateQueries({ queryKey: ["segments"] });
      onDeleted();
    },
  });
  const isUsed = segment.usedBy.length > 0;
  return (
    <>
      <button type="button" onClick={() => dialog.current?.showModal()}>
        Delete
      </button>
      <dialog ref={dialog} aria-labelledby={heading}>
        <h2 id={heading}>Delete “{segment.name}”?</h2>
        {deletion.error && <Problem error={deletion.error} />}
        {isUsed ? (
          <>
            <p>It can’t be deleted while these use it:</p>
            <ul>
              {segment.usedBy.map((use) => (
                <li key={use.id}>{use.name}</li>
              ))}
            </ul>
          </>
        ) : (
          <p>This can’t be undone. The customers stay.</p>
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
              Delete the segment
            </ActionButton>
          )}
        </div>
      </dialog>
    </>
  );
}
