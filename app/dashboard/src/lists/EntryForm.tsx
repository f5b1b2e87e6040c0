import { useMutation } from "@tanstack/react-query";
import { useMemo, useRef, useState } from "react";
import { ActionButton } from "../ui/ActionButton";
import { FileField, readText } from "../ui/FileField";
import { formatCount } from "../ui/formats";
import { Problem } from "../ui/Problem";
import { useDebounced } from "../ui/useDebounced";
import { ColumnChoice } from "./ColumnChoice";
import { type Column, countColumns, type Entries, parseRows, readEntries } from "./entries";

interface Props {
  /** What the user pastes: "Source ids or emails, one per line". */
  label: string;
  /** What one value stands for: "customer". */
  noun: string;
  submitLabel: string;
  isPending: boolean;
  /** Is called when the user pastes other text or chooses another file. */
  onChange: () => void;
  onSubmit: (entries: Entries) => void;
}

/** A form for values that the user pastes or has in a file, one a line or in a column. */
export function EntryForm({ label, noun, submitLabel, isPending, onChange, onSubmit }: Props) {
  const fileField = useRef<HTMLInputElement>(null);
  const [source, setSource] = useState<{ text: string; fileName?: string }>({ text: "" });
  const [chosenColumn, setColumn] = useState<Column | null>(null);
  const [hasHeader, setHeader] = useState(false);
  // To parse thousands of lines at each key would delay the next one.
  const settledText = useDebounced(source.text);
  const rows = useMemo(() => parseRows(settledText), [settledText]);
  const isSettled = settledText === source.text;
  const column = countColumns(rows) > 1 ? chosenColumn : 0;

  function change(next: typeof source) {
    setSource(next);
    setColumn(null);
    setHeader(false);
    file.reset();
    onChange();
  }
  const file = useMutation({ mutationFn: readFile, onSuccess: change });

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (column !== null && isSettled)
          onSubmit(readEntries(hasHeader ? rows.slice(1) : rows, column));
      }}
    >
      <div className="toolbar">
        <label className="wide">
          {label}
          <textarea
            rows={5}
            value={source.fileName ? "" : source.text}
            onChange={(event) => {
              if (fileField.current) fileField.current.value = "";
              change({ text: event.target.value });
            }}
          />
        </label>
        <FileField label="Or a CSV or text file" inputRef={fileField} onSelect={file.mutate} />
      </div>
      {file.error && <Problem error={file.error} />}
      {rows.length > 0 && (
        <div className="toolbar">
          <span>{formatCount(rows.length, "line")}</span>
          <ColumnChoice rows={rows} noun={noun} column={chosenColumn} onChange={setColumn} />
          <label className="inline">
            <input
              type="checkbox"
              checked={hasHeader}
              onChange={(event) => setHeader(event.target.checked)}
            />
            The first line is a heading
          </label>
          <ActionButton
            type="submit"
            disabled={column === null}
            isPending={isPending || !isSettled}
          >
            {submitLabel}
          </ActionButton>
        </div>
      )}
    </form>
  );
}

const readFile = async (file: File) => ({
  text: await readText(file, "Split it."),
  fileName: file.name,
});
