import { useMutation } from "@tanstack/react-query";
import { useRef } from "react";
import { ActionButton } from "../ui/ActionButton";
import { copyText } from "../ui/copyText";
import { formatCount } from "../ui/formats";
import { announce, useAnnouncement } from "../ui/Status";
import type { Lookup } from "./lookup";

const MAX_NAMED_EMAILS = 5;

export interface Report extends Lookup {
  /** The lines that have no value in the column. */
  emptyCount: number;
  /** The customers who were not in the list before. */
  addedCount: number;
}

/** What became of each line. */
export function LookupReport({ report }: { report: Report }) {
  const { customers, addedCount, duplicateCount, unknown, sharedEmails, emptyCount } = report;
  const presentCount = customers.length - addedCount;
  useAnnouncement(
    `${formatCount(addedCount, "customer")} added, ${formatCount(unknown.length, "value")} not found`,
  );
  return (
    <div>
      <ul>
        <li>{formatCount(addedCount, "customer")} added</li>
        {presentCount > 0 && <li>{formatCount(presentCount, "customer")} already in the list</li>}
        {duplicateCount > 0 && <li>{formatCount(duplicateCount, "duplicate")} left out</li>}
        {emptyCount > 0 && <li>{formatCount(emptyCount, "line")} without a value</li>}
        {sharedEmails.length > 0 && (
          <li>
            {formatCount(sharedEmails.length, "email")} of several customers, of whom up to 20 are
            in the list: {sharedEmails.slice(0, MAX_NAMED_EMAILS).join(", ")}
            {sharedEmails.length > MAX_NAMED_EMAILS && ", …"}
          </li>
        )}
        {unknown.length > 0 && <li>{formatCount(unknown.length, "value")} not found</li>}
      </ul>
      {unknown.length > 0 && <UnknownEntries unknown={unknown} />}
    </div>
  );
}

/** The values that no customer has. */
function UnknownEntries({ unknown }: { unknown: Lookup["unknown"] }) {
  const field = useRef<HTMLTextAreaElement>(null);
  const copy = useMutation({
    mutationFn: async () => {
      if (await copyText(unknown.map(({ text }) => text).join("\n"))) {
        return `${formatCount(unknown.length, "value")} copied, without the numbers of the lines.`;
      }
      field.current?.select();
      return "The browser does not let the page copy: press Ctrl+C.";
    },
    onSuccess: announce,
  });
  return (
    <>
      <label>
        Not found, with the numbers of the lines
        <textarea
          ref={field}
          readOnly
          rows={Math.min(unknown.length, 8)}
          value={unknown.map(({ line, text }) => `${line}: ${text}`).join("\n")}
        />
      </label>
      <p>
        <ActionButton isPending={copy.isPending} onClick={() => copy.mutate()}>
          Copy the values not found
        </ActionButton>{" "}
        {copy.data && <span className="hint">{copy.data}</span>}
      </p>
    </>
  );
}
