import { useInfiniteQuery } from "@tanstack/react-query";
import { PagedList } from "../ui/PagedList";
import { Table } from "../ui/Table";
import { timelineQuery } from "./profileQueries";
import { TimelineRow } from "./TimelineRow";

/** What happened to a customer, the newest first, page by page. */
export function Timeline({ sourceId }: { sourceId: string }) {
  const query = useInfiniteQuery(timelineQuery(sourceId));
  const pages = query.data?.pages ?? [];
  const entries = pages.flatMap((page) => page?.nodes ?? []);
  return (
    <PagedList
      query={query}
      isEmpty={entries.length === 0}
      waiting="Loading the timeline …"
      empty="Nothing has happened yet."
    >
      <Table caption="The newest first" columns={["When", "Kind", "What"]}>
        {entries.map((entry) => (
          <TimelineRow key={entry.id} entry={entry} currency={pages[0]?.currency ?? null} />
        ))}
      </Table>
    </PagedList>
  );
}
