import { useMutation } from "@tanstack/react-query";
import { useId, useRef, useState } from "react";
import { useInvalidation } from "../api/useInvalidation";
import { EntryForm } from "../lists/EntryForm";
import type { Entries } from "../lists/entries";
import { formatCount } from "../ui/formats";
import { Problem } from "../ui/Problem";
import { announce } from "../ui/Status";
import { type AddedCodes, addCodes } from "./addCodes";

/** Adds codes to a pool that are pasted, or are in a file. */
export function AddCodesForm({ poolId }: { poolId: string }) {
  const heading = useId();
  const title = useRef<HTMLHeadingElement>(null);
  const [doneCount, setDoneCount] = useState(0);
  const [progress, setProgress] = useState(0);
  const invalidate = useInvalidation();
  const addition = useMutation({
    mutationFn: (entries: Entries) => {
      setProgress(0);
      return addCodes(poolId, entries, setProgress);
    },
    onSuccess: ({ addedCount, refused }) => {
      announce(`${formatCount(addedCount, "code")} added`);
      if (refused.length > 0) return;
      // The form is emptied, and with it goes the button that had the focus.
      setDoneCount(doneCount + 1);
      title.current?.focus();
    },
    onSettled: () => {
      invalidate(["codePool", poolId], ["codePools"]);
    },
  });
  return (
    <section aria-labelledby={heading}>
      <h2 id={heading} tabIndex={-1} ref={title}>
        Add codes
      </h2>
      <EntryForm
        key={doneCount}
        label="Codes, one per line"
        noun="code"
        submitLabel="Add the codes"
        isPending={addition.isPending}
        isDone={addition.isSuccess}
        onChange={addition.reset}
        onSubmit={addition.mutate}
      />
      {addition.isPending && <p className="waiting">{formatCount(progress, "code")} added …</p>}
      {addition.error && <Problem error={addition.error} />}
      {addition.data && <Report added={addition.data} />}
    </section>
  );
}

function Report({ added }: { added: AddedCodes }) {
  const { addedCount, duplicateCount, emptyCount, refused } = added;
  return (
    <>
      <ul>
        <li>{formatCount(addedCount, "code")} added</li>
        {duplicateCount > 0 && <li>{formatCount(duplicateCount, "duplicate")} left out</li>}
        {emptyCount > 0 && <li>{formatCount(emptyCount, "line")} without a code</li>}
      </ul>
      {refused.length > 0 && (
        <div className="problem" role="alert">
          <p>{addedCount > 0 ? "The others are" : "They are"} not added because of these lines:</p>
          <ul>
            {refused.map(({ line, text, message }) => (
              <li key={text}>
                Line {line}, “{text}”: {message}
              </li>
            ))}
          </ul>
        </div>
      )}
    </>
  );
}
