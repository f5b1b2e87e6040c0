import "./longTable.css";
import { type ReactNode, useEffect } from "react";
import { useRowWindow } from "./useRowWindow";

interface Props {
  caption: string;
  columns: readonly { key: string; name: string }[];
  /** The number of rows that are there. */
  count: number;
  /** The number of all rows, if it is known. */
  total: number | undefined;
  /** Renders a row, with its key and `aria-rowindex` two greater than its index. */
  renderRow: (index: number) => ReactNode;
  /** Is called while the last rows are near. */
  onNearEnd: () => void;
}

const MAX_NEAR_ROWS = 500;

/** A table of any length, of which only the rows in sight are rendered. It scrolls in its box. */
export function LongTable({ caption, columns, count, total, renderRow, onNearEnd }: Props) {
  const { box, ranges, rowHeight, isScrollable, handlers } = useRowWindow(count);
  const lastRow = Math.max(...ranges.map(({ end }) => end));
  const isNearEnd = lastRow > count - Math.min(MAX_NEAR_ROWS, count / 3);
  useEffect(() => {
    if (isNearEnd) onNearEnd();
  }, [isNearEnd, onNearEnd]);

  // With the focus on it, the arrow keys scroll.
  const focusable = isScrollable && { tabIndex: 0, role: "region", "aria-label": caption };
  const renderSpace = (start: number, end: number) =>
    end > start && (
      // biome-ignore lint/a11y/noAriaHiddenOnFocusable: an empty row can't have the focus.
      <tr key={`before-${end}`} className="space" aria-hidden="true">
        <td colSpan={columns.length} style={{ height: (end - start) * rowHeight }} />
      </tr>
    );
  return (
    <div className="long-table" ref={box} {...focusable} {...handlers}>
      <table aria-rowcount={total === undefined ? -1 : total + 1}>
        <caption>{caption}</caption>
        <thead>
          <tr aria-rowindex={1}>
            {columns.map(({ key, name }) => (
              <th key={key} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {ranges.flatMap(({ start, end }, index) => [
            renderSpace(ranges[index - 1]?.end ?? 0, start),
            ...Array.from({ length: end - start }, (_, offset) => renderRow(start + offset)),
          ])}
          {renderSpace(ranges.at(-1)?.end ?? 0, count)}
        </tbody>
      </table>
    </div>
  );
}
