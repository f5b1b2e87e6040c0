import { useMutation } from "@tanstack/react-query";
import { useMemo, useRef, useState } from "react";
import { ActionButton } from "../ui/ActionButton";
import { FileField, readText } from "../ui/FileField";
import { formatCount } from "../ui/formats";
import { Problem } from "../ui/Problem";
import { useAnnouncement } from "../ui/Status";
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
  /** Whether the values have been submitted: nothing is lost then when a file replaces them. */
  isDone: boolean;
  /** Is called when the user pastes other text or chooses another file. */
  onChange: () => void;
  onSubmit: (entries: Entries) => void;
}

/** A form for values that the user pastes or has in a file, one a line or in a column. */
export function EntryForm(props: Props) {
  const { label, noun, submitLabel, isPending, isDone, onChange, onSubmit } = props;
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
  const file = useMutation({
    mutationFn: readFile,
    onSuccess: (read) => {
      if (source.fileName || !source.text || isDone) change(read);
    },
  });

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
      {file.data && (
        <ReplaceQuestion
          fileName={file.data.fileName}
          onReplace={() => {
            change(file.data);
            fileField.current?.focus();
          }}
          onKeep={() => {
            file.reset();
            if (fileField.current) fileField.current.value = "";
            fileField.current?.focus();
          }}
        />
      )}
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

interface QuestionProps {
  fileName: string;
  onReplace: () => void;
  onKeep: () => void;
}

/** Asks whether a file replaces what the user has pasted. */
function ReplaceQuestion({ fileName, onReplace, onKeep }: QuestionProps) {
  const question = `Replace the pasted text by ${fileName}?`;
  useAnnouncement(question);
  return (
    <div className="notice">
      <p>{question}</p>
      <div className="toolbar">
        <button type="button" onClick={onReplace}>
          Replace the text
        </button>
        <button type="button" onClick={onKeep}>
          Keep the text
        </button>
      </div>
    </div>
  );
}

const readFile = async (file: File) => ({
  text: await readText(file, "Split it."),
  fileName: file.name,
});
