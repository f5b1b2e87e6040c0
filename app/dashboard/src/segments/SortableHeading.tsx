import type { SegmentSorting, SortableOrder } from "./sorting";

interface Props {
  name: string;
  order: SortableOrder;
  sorting: SegmentSorting;
  /** Whether the first press sorts the greatest, or newest, first. */
  beginsDescending?: boolean;
  className?: string;
  onChange: (sorting: SegmentSorting) => void;
}

/** The heading of a column, whose button sorts the list by it, then the other way round. */
export function SortableHeading({
  name,
  order,
  sorting,
  beginsDescending = false,
  className,
  onChange,
}: Props) {
  const isSorted = sorting?.order === order;
  const direction = sorting?.descending ? "descending" : "ascending";
  return (
    <th scope="col" className={className} aria-sort={isSorted ? direction : undefined}>
      <button
        type="button"
        className="sort"
        onClick={() =>
          onChange({ order, descending: isSorted ? !sorting?.descending : beginsDescending })
        }
      >
        {name}
        {isSorted && <span aria-hidden="true"> {sorting?.descending ? "▼" : "▲"}</span>}
      </button>
    </th>
  );
}
