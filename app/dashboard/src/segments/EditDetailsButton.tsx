import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useId, useRef } from "react";
import { request, requireNoUserErrors } from "../api/request";
import { useInvalidation } from "../api/useInvalidation";
import { ActionButton } from "../ui/ActionButton";
import { Problem } from "../ui/Problem";
import { UpdateSegment } from "./operations";
import type { ShownSegment } from "./queries";

/** Edits the name and the description of a segment of any kind. */
export function EditDetailsButton({ segment }: { segment: ShownSegment }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const form = useRef<HTMLFormElement>(null);
  const heading = useId();
  const invalidate = useInvalidation();
  const update = useMutation({
    mutationFn: async (details: { name: string; description: string | null }) => {
      const { segmentUpdate } = await request(UpdateSegment, {
        id: segment.id,
        input: { ...details, unchangedSince: segment.updatedAt },
      });
      requireNoUserErrors(segmentUpdate.userErrors);
    },
    onSuccess: () => dialog.current?.close(),
    // After a conflict the page shows what the others have changed.
    onSettled: () => {
      invalidate(["segment", segment.id], ["changes", segment.id], ["segments"]);
    },
  });

  function open() {
    form.current?.reset();
    update.reset();
    dialog.current?.showModal();
  }
  function save(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    update.mutate({
      name: String(fields.get("name")),
      description: String(fields.get("description")) || null,
    });
  }
  return (
    <>
      <button type="button" onClick={open}>
        Rename
      </button>
      <dialog ref={dialog} aria-labelledby={heading}>
        <h2 id={heading}>Name and description</h2>
        {update.error && <Problem error={update.error} />}
        <form ref={form} onSubmit={save}>
          <div className="fields">
            <label>
              New name
              <input name="name" required defaultValue={segment.name} />
            </label>
            <label>
              Description
              <textarea name="description" rows={3} defaultValue={segment.description ?? ""} />
            </label>
          </div>
          <div className="toolbar">
            <button type="button" onClick={() => dialog.current?.close()}>
              Cancel
            </button>
            <ActionButton type="submit" className="primary" isPending={update.isPending}>
              Save
            </ActionButton>
          </div>
        </form>
      </dialog>
    </>
  );
}
