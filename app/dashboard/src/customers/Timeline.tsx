import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { formatCount, formatNumber } from "../ui/formats";
import { PagedList } from "../ui/PagedList";
import { useAnnouncement } from "../ui/Status";
import { Table } from "../ui/Table";
import { type TimelineEntry, timelineQuery } from "./profileQueries";
import { KIND_NAMES, TimelineRow } from "./TimelineRow";

type Kind = TimelineEntry["__typename"];

/** What happened to a customer, the newest first, page by page; of all kinds, or of one. */
export function Timeline({ sourceId }: { sourceId: string }) {
  const [kind, setKind] = useState<Kind | "">("");
  const query = useInfiniteQuery(timelineQuery(sourceId));
  const pages = query.data?.pages ?? [];
  const entries = pages.flatMap((page) => page?.nodes ?? []);
  const shown = entries.filter(({ __typename }) => !kind || __typename === kind);
  const caption = kind
    ? `${formatCount(shown.length, "entry", "entries")} of this kind among the newest ${formatNumber(entries.length)}`
    : "The newest first";
  useAnnouncement(kind ? caption : null);
  return (
    <PagedList
      query={query}
      isEmpty={entries.length === 0}
      waiting="Loading the timeline …"
      empty="Nothing has happened yet."
    >
      <div className="toolbar">
        <label>
          Kind
          <select value={kind} onChange={({ target }) => setKind(target.value as Kind | "")}>
            <option value="">All kinds</option>
            {Object.entries(KIND_NAMES).map(([typename, name]) => (
              <option key={typename} value={typename}>
                {name}
              </option>
            ))}
          </select>
        </label>
      </div>
      {kind && query.hasNextPage && (
        <p className="hint">
          The server can’t select by kind: “Show more” reads the next entries of all kinds, and
          those of this kind are shown.
        </p>
      )}
      <Table caption={caption} columns={["When", "Kind", "What"]}>
        {shown.map((entry) => (
          <TimelineRow key={entry.id} entry={entry} currency={pages[0]?.currency ?? null} />
        ))}
      </Table>
    </PagedList>
  );
}
