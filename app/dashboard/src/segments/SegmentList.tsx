import { useInfiniteQuery } from "@tanstack/react-query";
import { lazy, Suspense } from "react";
import { useCanWrite } from "../access/viewer";
import { formatCount } from "../ui/formats";
import { PagedList } from "../ui/PagedList";
import { useAnnouncement } from "../ui/Status";
import { type SegmentSelection, segmentsQuery } from "./queries";
import { SegmentRow } from "./SegmentRow";
import { SortableHeading } from "./SortableHeading";
import { describeSelection } from "./selection";
import type { SegmentSorting } from "./sorting";

const StarterCards = lazy(async () => ({
  default: (await import("./StarterCards")).StarterCards,
}));

interface Props {
  selection: SegmentSelection;
  onSort: (sorting: SegmentSorting) => void;
  onClear: () => void;
}

/** The selected segments, page by page. */
export function SegmentList({ selection, onSort, onClear }: Props) {
  const query = useInfiniteQuery(segmentsQuery(selection));
  const total = query.data?.pages[0]?.totalCount;
  const size = total === undefined ? undefined : formatCount(total, "segment");
  useAnnouncement(size);
  const canWrite = useCanWrite();
  const selected = describeSelection(selection);
  const sorting = { sorting: selection.sorting, onChange: onSort };
  return (
    <>
      <PagedList
        query={query}
        isEmpty={total === 0}
        waiting="Loading segments …"
        empty={
          selected ? (
            <NothingFound selected={selected} onClear={onClear} />
          ) : (
            "There are no segments yet."
          )
        }
      >
        <div className="table-box">
          <table>
            <caption>{size}</caption>
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
                <th scope="col" className="number">
                  Last 7 days
                </th>
                <th scope="col">Last 30 days</th>
                <th scope="col">Used by</th>
                <SortableHeading name="Edited" order="UPDATED" beginsDescending {...sorting} />
                <td />
              </tr>
            </thead>
            <tbody>
              {query.data?.pages.flatMap(({ nodes }) =>
                nodes.map((segment) => <SegmentRow key={segment.id} segment={segment} />),
              )}
            </tbody>
          </table>
        </div>
      </PagedList>
      {total === 0 && !selected && canWrite && (
        <Suspense>
          <StarterCards />
        </Suspense>
      )}
    </>
  );
}

interface NothingFoundProps {
  /** What was searched for, in words. */
  selected: string;
  onClear: () => void;
}

function NothingFound({ selected, onClear }: NothingFoundProps) {
  return (
    <>
      There is no segment {selected}.{" "}
      <button type="button" onClick={onClear}>
        Show all segments
      </button>
    </>
  );
}
