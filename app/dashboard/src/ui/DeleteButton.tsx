import { useState } from "react";
import { DeleteDialog, type Deletion } from "./DeleteDialog";

/** Deletes something after a question. */
export function DeleteButton(deletion: Deletion) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" aria-label={`Delete ${deletion.name}`} onClick={() => setOpen(true)}>
        Delete
      </button>
      {isOpen && <DeleteDialog {...deletion} onClose={() => setOpen(false)} />}
    </>
  );
}
