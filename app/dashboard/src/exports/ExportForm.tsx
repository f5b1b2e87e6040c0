import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { request, requireNoUserErrors } from "../api/request";
import { ActionButton } from "../ui/ActionButton";
import { Problem } from "../ui/Problem";
import { StartExport } from "./operations";
import { exportFieldsQuery, exportsQuery } from "./queries";

const FORMATS = ["CSV", "NDJSON"] as const;
type Format = (typeof FORMATS)[number];

/** Starts an export with the chosen columns; without a choice, with those that the API chooses. */
export function ExportForm({ segmentId }: { segmentId: string }) {
  const [format, setFormat] = useState<Format>("CSV");
  const [fields, setFields] = useState<string[]>([]);
  const queryClient = useQueryClient();
  const start = useMutation({
    mutationFn: async () => {
      const input = { segmentId, format, fields: fields.length > 0 ? fields : null };
      const { segmentExport } = await request(StartExport, { input });
      requireNoUserErrors(segmentExport.userErrors);
    },
    onSuccess: () => queryClient.invalidateQueries(exportsQuery(segmentId)),
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        start.mutate();
      }}
    >
      {start.error && <Problem error={start.error} />}
      <div className="toolbar">
        <label>
          Format
          <select value={format} onChange={(event) => setFormat(event.target.value as Format)}>
            {FORMATS.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <ActionButton type="submit" className="primary" isPending={start.isPending}>
          Start an export
        </ActionButton>
      </div>
      <details>
        <summary>Columns: {fields.length > 0 ? fields.join(", ") : "the usual ones"}</summary>
        <FieldChoice chosen={fields} onChange={setFields} />
      </details>
    </form>
  );
}

interface FieldChoiceProps {
  chosen: string[];
  onChange: (fields: string[]) => void;
}

/** The columns, which the file has in the order in which they are chosen. */
function FieldChoice({ chosen, onChange }: FieldChoiceProps) {
  const { data: fields, error, refetch } = useQuery(exportFieldsQuery);
  if (error) return <Problem error={error} onRetry={refetch} />;
  return (
    <fieldset className="choices">
      <legend>Columns, in the order in which you choose them</legend>
      {fields?.map(({ path, label }) => (
        <label key={path}>
          <input
            type="checkbox"
            checked={chosen.includes(path)}
            onChange={(event) =>
              onChange(
                event.target.checked ? [...chosen, path] : chosen.filter((other) => other !== path),
              )
            }
          />{" "}
          {label}
        </label>
      ))}
    </fieldset>
  );
}
