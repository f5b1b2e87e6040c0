import { useInfiniteQuery } from "@tanstack/react-query";
import { formatCount } from "../ui/formats";
import { Problem } from "../ui/Problem";
import { ShowMore } from "../ui/ShowMore";
import { useAnnouncement } from "../ui/Status";
import { type SegmentSelection, segmentsQuery } from "./queries";
import { SegmentRow } from "./SegmentRow";
import { SortableHeading } from "./SortableHeading";
import type { SegmentSorting } from "./sorting";

interface Props {
  selection: SegmentSelection;
  onSort: (sorting: SegmentSorting) => void;
  onClear: () => void;
}

/** The selected segments, page by page. */
export function SegmentList({ selection, onSort, onClear }: Props) {
  const query = useInfiniteQuery(segmentsQuery(selection));
  const total = query.data?.pages[0]?.totalCount;
  useAnnouncement(total === undefined ? undefined : formatCount(total, "segment"));

  const problem = query.error && <Problem error={query.error} onRetry={() => query.refetch()} />;
  if (total === undefined) return problem ?? <p className="waiting">Loading segments …</p>;
  if (total === 0) {
    const isFiltered = selection.search || selection.kind || selection.isUnused;
    return isFiltered ? <NothingFound onClear={onClear} /> : <p>There are no segments yet.</p>;
  }
  const sorting = { sorting: selection.sorting, onChange: onSort };
  return (
    <>
      {problem}
      <div className="table-box" aria-busy={query.isPlaceholderData}>
        <table>
          <caption>{formatCount(total, "segment")}</caption>
          <thead>
            <tr>
              <SortableHeading name="Name" order="NAME" {...sorting} />
              <th scope="col">Kind</th>
              <SortableHeading
                name="Customers"
                order="LAST_SIZE"
                beginsDescending
                className="number"
                {...sorting}
              />
              <th scope="col">Last 30 days</th>
              <th scope="col">Used by</th>
              <SortableHeading name="Edited" order="UPDATED" beginsDescending {...sorting} />
            </tr>
          </thead>
          <tbody>
            {query.data?.pages.flatMap(({ nodes }) =>
              nodes.map((segment) => <SegmentRow key={segment.id} segment={segment} />),
            )}
          </tbody>
        </table>
      </div>
      <ShowMore query={query} />
    </>
  );
}

function NothingFound({ onClear }: { onClear: () => void }) {
  return (
    <p>
      No segment matches the search.{" "}
      <button type="button" onClick={onClear}>
        Show all segments
      </button>
    </p>
  );
}
