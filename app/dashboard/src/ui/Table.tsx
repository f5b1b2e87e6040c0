import type { ReactNode } from "react";
import { useScrollable } from "./useScrollable";

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
  const [box, isScrollable] = useScrollable<HTMLDivElement>();
  // With the focus on it, the arrow keys scroll.
  const focusable = isScrollable && { tabIndex: 0, role: "region", "aria-label": caption };
  return (
    <div className="table-box" ref={box} {...focusable}>
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
