import type { Row } from "../lists/entries";
import { Table } from "../ui/Table";
import type { Field, MappedColumn, Mapping } from "./columns";
import type { ValueType } from "./values";

const TYPE_NAMES: Record<ValueType, string> = {
  STRING: "text",
  NUMBER: "number",
  BOOLEAN: "true or false",
  DATE: "date",
  DATETIME: "date and time",
};
const MAX_EXAMPLES = 2;
const COLUMNS = ["Column", "First values", "Becomes", "Type"];

interface Props {
  headings: readonly string[];
  rows: readonly Row[];
  fields: readonly Field[];
  /** The path of the metadata key that each column can add. */
  newPaths: readonly (string | null)[];
  columns: readonly MappedColumn[];
  mapping: Mapping;
  onChange: (index: number, path: string) => void;
}

/** The columns of the file, and the fields that they fill in. */
export function MappingTable(props: Props) {
  const { headings, rows, fields, newPaths, columns, mapping, onChange } = props;
  return (
    <Table caption="Columns; an empty cell leaves its field as it is" columns={COLUMNS}>
      {[...headings.entries()].map(([index, heading]) => {
        const name = heading || `Column ${index + 1}`;
        const newPath = newPaths[index];
        return (
          <tr key={index}>
            <th scope="row">{name}</th>
            <td>{findExamples(rows, index)}</td>
            <td>
              <select
                aria-label={`${name} becomes`}
                value={mapping.get(index) ?? ""}
                onChange={({ target }) => onChange(index, target.value)}
              >
                <option value="">Nothing: leave it out</option>
                {newPath && <option value={newPath}>New key: {newPath}</option>}
                {fields.map(({ path, label }) => (
                  <option key={path} value={path}>
                    {label}
                  </option>
                ))}
              </select>
            </td>
            <td>{describeType(columns, index)}</td>
          </tr>
        );
      })}
    </Table>
  );
}

function findExamples(rows: readonly Row[], index: number): string {
  const examples: string[] = [];
  for (const { cells } of rows) {
    const text = cells[index];
    if (text) examples.push(text);
    if (examples.length === MAX_EXAMPLES) break;
  }
  return examples.join(", ") || "–";
}

function describeType(columns: readonly MappedColumn[], index: number): string {
  const column = columns.find((candidate) => candidate.index === index);
  return column ? TYPE_NAMES[column.type] : "–";
}
