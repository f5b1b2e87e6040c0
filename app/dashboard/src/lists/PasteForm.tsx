import { useMutation } from "@tanstack/react-query";
import { type Dispatch, useEffect, useId, useMemo, useRef, useState } from "react";
import { ActionButton } from "../ui/ActionButton";
import { formatCount, formatNumber } from "../ui/formats";
import { Problem } from "../ui/Problem";
import { ColumnChoice } from "./ColumnChoice";
import type { Chosen, ChosenEdit } from "./chosen";
import { type Column, countColumns, parseRows, readEntries } from "./entries";
import { LookupReport, type Report } from "./LookupReport";
import { lookUp } from "./lookup";

const MAX_FILE_BYTES = 16_000_000;
const MAX_ENTRIES = 100_000;

interface Props {
  chosen: Chosen;
  edit: Dispatch<ChosenEdit>;
}

/** Adds the customers whose sourceIds or emails are pasted, or are in a file. */
export function PasteForm({ chosen, edit }: Props) {
  const heading = useId();
  const fileField = useRef<HTMLInputElement>(null);
  const [source, setSource] = useState<{ text: string; fileName?: string }>({ text: "" });
  const [chosenColumn, setColumn] = useState<Column | null>(null);
  const [hasHeader, setHeader] = useState(false);
  const rows = useMemo(() => parseRows(source.text), [source.text]);
  const column = countColumns(rows) > 1 ? chosenColumn : 0;
  const { look, progress, reset } = useLookup(chosen, edit);

  function change(next: typeof source) {
    setSource(next);
    setColumn(null);
    setHeader(false);
    reset();
    file.reset();
  }
  const file = useMutation({ mutationFn: readFile, onSuccess: change });

  return (
    <section aria-labelledby={heading}>
      <h2 id={heading}>Paste or upload</h2>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (column !== null) look.mutate(readEntries(hasHeader ? rows.slice(1) : rows, column));
        }}
      >
        <div className="toolbar">
          <label className="wide">
            Source ids or emails, one a line
            <textarea
              rows={5}
              value={source.fileName ? "" : source.text}
              onChange={(event) => {
                if (fileField.current) fileField.current.value = "";
                change({ text: event.target.value });
              }}
            />
          </label>
          <label>
            Or a CSV or text file
            <input
              type="file"
              accept=".csv,.tsv,.txt,text/csv,text/plain"
              ref={fileField}
              onChange={(event) => {
                const [selected] = event.target.files ?? [];
                if (selected) file.mutate(selected);
              }}
            />
          </label>
        </div>
        {file.error && <Problem error={file.error} />}
        {rows.length > 0 && (
          <div className="toolbar">
            <span>{formatCount(rows.length, "line")}</span>
            <ColumnChoice rows={rows} column={chosenColumn} onChange={setColumn} />
            <label className="inline">
              <input
                type="checkbox"
                checked={hasHeader}
                onChange={(event) => setHeader(event.target.checked)}
              />
              The first line is a heading
            </label>
            <ActionButton type="submit" disabled={column === null} isPending={look.isPending}>
              Look up and add
            </ActionButton>
          </div>
        )}
      </form>
      {look.isPending && <p className="waiting">{progress}</p>}
      {look.error && <Problem error={look.error} />}
      {look.data && <LookupReport report={look.data} />}
    </section>
  );
}

/** Looks entries up and adds their customers. It stops when the page is left or is reset. */
function useLookup(chosen: Chosen, edit: Props["edit"]) {
  const [progress, setProgress] = useState("");
  const controller = useRef<AbortController>(null);
  useEffect(() => () => controller.current?.abort(), []);
  const look = useMutation({
    mutationFn: async ({ entries, emptyCount }: ReturnType<typeof readEntries>) => {
      if (entries.length > MAX_ENTRIES) {
        const excess = `${formatNumber(entries.length)} values; at most`;
        throw new Error(`There are ${excess} ${formatNumber(MAX_ENTRIES)} are looked up at once.`);
      }
      setProgress("Looking up …");
      controller.current = new AbortController();
      const lookup = await lookUp(entries, controller.current.signal, (text) =>
        setProgress(`Looked up ${text} …`),
      );
      const addedCount = lookup.customers.filter(({ id }) => !chosen.has(id)).length;
      return { ...lookup, emptyCount, addedCount } satisfies Report;
    },
    onSuccess: ({ customers }) => edit({ type: "add", customers }),
  });
  function reset() {
    controller.current?.abort();
    look.reset();
  }
  return { look, progress, reset };
}

async function readFile(file: File) {
  if (file.size > MAX_FILE_BYTES) {
    throw new Error(`The file is larger than ${formatNumber(MAX_FILE_BYTES)} bytes. Split it.`);
  }
  return { text: await file.text(), fileName: file.name };
}
