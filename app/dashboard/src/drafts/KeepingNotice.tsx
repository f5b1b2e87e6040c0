import type { KeepingProblems } from "./editedDraft";

/** Says that the draft may be lost when the page is left before it is saved. */
export function KeepingNotice({ lacksRoom, isReplaced }: KeepingProblems) {
  return (
    <>
      {lacksRoom && (
        <p className="field-problem">
          This browser has no room to keep the change until it is saved.
        </p>
      )}
      {isReplaced && (
        <p className="field-problem">
          Another tab edits this, too, and the browser keeps only the last change of both. Save this
          one before you leave the page.
        </p>
      )}
    </>
  );
}
