import { useMutation, useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import { requestCreation } from "../api/creation";
import { requireNoUserErrors } from "../api/request";
import { NEW_EXPORT } from "../routes";
import { ActionButton } from "../ui/ActionButton";
import { Problem } from "../ui/Problem";
import { DEFAULT_COLUMNS } from "./fields";
import { StartExport } from "./operations";
import { exportsQuery } from "./queries";

const FORMATS = ["CSV", "NDJSON"] as const;
type Format = (typeof FORMATS)[number];

const ColumnForm = lazy(async () => ({ default: (await import("./ColumnForm")).ColumnForm }));

interface Props {
  segmentId: string;
  /** The names of columns by their paths. */
  labels: ReadonlyMap<string, string>;
}

/** Starts an export with the chosen columns; without a choice, with those that the API chooses. */
export function ExportForm({ segmentId, labels }: Props) {
  const [format, setFormat] = useState<Format>("CSV");
  const [fields, setFields] = useState<string[]>([]);
  const [isOpened, setOpened] = useState(false);
  const queryClient = useQueryClient();
  const start = useMutation({
    mutationFn: async () => {
      const input = { segmentId, format, fields: fields.length > 0 ? fields : null };
      const { segmentExport } = await requestCreation(StartExport, { input });
      requireNoUserErrors(segmentExport.userErrors);
    },
    onSuccess: () => queryClient.invalidateQueries(exportsQuery(segmentId)),
  });
  const names = fields.map((path) => labels.get(path) ?? path);
  return (
    <>
      {start.error && <Problem error={start.error} />}
      <form
        className="toolbar"
        onSubmit={(event) => {
          event.preventDefault();
          start.mutate();
        }}
      >
        <label>
          Format
          <select
            id={NEW_EXPORT}
            // biome-ignore lint/a11y/noAutofocus: the address asks for it.
            autoFocus={window.location.hash === `#${NEW_EXPORT}`}
            value={format}
            onChange={(event) => setFormat(event.target.value as Format)}
          >
            {FORMATS.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <ActionButton type="submit" className="primary" isPending={start.isPending}>
          Start an export
        </ActionButton>
      </form>
      <details onToggle={({ currentTarget }) => setOpened(currentTarget.open || isOpened)}>
        <summary>Columns: {names.join(", ") || DEFAULT_COLUMNS}</summary>
        {isOpened && (
          <Suspense fallback={<p className="waiting">Loading the columns …</p>}>
            <ColumnForm fields={fields} onChange={setFields} />
          </Suspense>
        )}
      </details>
    </>
  );
}
