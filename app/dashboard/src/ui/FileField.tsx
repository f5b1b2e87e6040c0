import type { RefObject } from "react";
import { decodeText } from "./decodeText";
import { formatNumber } from "./formats";

const MAX_FILE_BYTES = 16_000_000;

interface Props {
  label: string;
  inputRef?: RefObject<HTMLInputElement | null>;
  onSelect: (file: File) => void;
}

/** Chooses a file with rows of text. */
export function FileField({ label, inputRef, onSelect }: Props) {
  return (
    <label>
      {label}
      <input
        type="file"
        accept=".csv,.tsv,.txt,text/csv,text/plain"
        ref={inputRef}
        onChange={({ target }) => {
          const [selected] = target.files ?? [];
          if (selected) onSelect(selected);
        }}
      />
    </label>
  );
}

/** Returns the text of a file. Throws an error with the remedy if it is too large to show. */
export async function readText(file: File, remedy: string): Promise<string> {
  if (file.size > MAX_FILE_BYTES) {
    throw new Error(`The file is larger than ${formatNumber(MAX_FILE_BYTES)} bytes. ${remedy}`);
  }
  return decodeText(new Uint8Array(await file.arrayBuffer()));
}
