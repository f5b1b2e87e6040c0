import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { formatInstant } from "../ui/formats";
import { PagedList } from "../ui/PagedList";
import { Table } from "../ui/Table";
import { changesQuery, editTextsQuery, type SegmentChange, type ShownSegment } from "./queries";
import { CHANGE_NAMES, USE_NAMES } from "./words";

/** What was done to the segment, page by page. */
export function Changes({ segment }: { segment: ShownSegment }) {
  const query = useInfiniteQuery(changesQuery(segment.id));
  const changes = query.data?.pages.flatMap((page) => page?.edges ?? []) ?? [];
  return (
    <PagedList
      query={query}
      isEmpty={changes.length === 0}
      waiting="Loading changes …"
      empty="No change is recorded."
    >
      <Table caption="Changes, the newest first" columns={["Time", "Change", "Key"]}>
        {changes.map(({ cursor, node: change }) => (
          <tr key={cursor}>
            <th scope="row">{formatInstant(change.at)}</th>
            <td>
              <Description change={change} />
            </td>
            <td>{change.by ?? "–"}</td>
          </tr>
        ))}
      </Table>
    </PagedList>
  );
}

function Description({ change }: { change: SegmentChange }) {
  const { kind, use, filterBefore, filterAfter } = change;
  if (kind === "FILTER_EDITED")
    return <EditDescription before={filterBefore} after={filterAfter} />;
  if (!use) return CHANGE_NAMES[kind];
  return `${CHANGE_NAMES[kind]} by the ${USE_NAMES[use.kind].toLowerCase()} “${use.name}”`;
}

interface EditProps {
  before: unknown;
  after: unknown;
}

/** An edit of the filter. Its two sentences are read when they are asked for. */
function EditDescription({ before, after }: EditProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{CHANGE_NAMES.FILTER_EDITED}</summary>
      {isOpen && <EditTexts before={before} after={after} />}
    </details>
  );
}

function EditTexts({ before, after }: EditProps) {
  const { data, error } = useQuery(editTextsQuery(before, after));
  // The API has no sentence for a filter with a segment that no longer exists.
  if (!data && !error) return <p className="waiting">Loading …</p>;
  return (
    <dl>
      <dt>Before</dt>
      <dd>{data?.before.filterText ?? JSON.stringify(before)}</dd>
      <dt>After</dt>
      <dd>{data?.after.filterText ?? JSON.stringify(after)}</dd>
    </dl>
  );
}
