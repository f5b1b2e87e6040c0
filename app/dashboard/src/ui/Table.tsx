import type { ReactNode } from "react";

interface Props {
  caption: string;
  /** The headings, each another one. */
  columns: readonly string[];
  /** Whether the rows end with a cell of buttons, which has no heading. */
  hasActions?: boolean;
  /** The rows. */
  children: ReactNode;
}

/** A table, which scrolls sideways where it is wider than the page. */
export function Table({ caption, columns, hasActions = false, children }: Props) {
  return (
    <div className="table-box">
      <table>
        <caption>{caption}</caption>
        <thead>
          <tr>
            {columns.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
            {hasActions && <td />}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
