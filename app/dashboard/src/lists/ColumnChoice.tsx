import { type Column, countColumns, type Row } from "./entries";

const MAX_EXAMPLES = 2;

interface Props {
  rows: readonly Row[];
  /** What a value stands for: "customer". */
  noun: string;
  column: Column | null;
  onChange: (column: Column) => void;
}

/** The column that has the values, shown only where there are several columns. */
export function ColumnChoice({ rows, noun, column, onChange }: Props) {
  const columns = [...Array(countColumns(rows)).keys()];
  if (columns.length < 2) return null;
  return (
    <label>
      Which column has the {noun}s?
      <select
        required
        value={column ?? ""}
        onChange={({ target }) =>
          onChange(target.value === "every" ? "every" : Number(target.value))
        }
      >
        <option value="" disabled>
          Choose a column
        </option>
        {columns.map((index) => (
          <option key={index} value={index}>
            Column {index + 1}: {describeExamples(rows, index)}
          </option>
        ))}
        <option value="every">Every column: each value is a {noun}</option>
      </select>
    </label>
  );
}

function describeExamples(rows: readonly Row[], column: number): string {
  const examples = rows.slice(0, MAX_EXAMPLES).map(({ cells }) => cells[column] || "(empty)");
  return `${examples.join(", ")}${rows.length > MAX_EXAMPLES ? ", …" : ""}`;
}
