import { useInfiniteQuery } from "@tanstack/react-query";
import { PagedList } from "../ui/PagedList";
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
      <div className="table-box">
        <table>
          <caption>The newest first</caption>
          <thead>
            <tr>
              <th scope="col">When</th>
              <th scope="col">Kind</th>
              <th scope="col">What</th>
            </tr>
          </thead>
          <tbody>
            {entries.map((entry) => (
              <TimelineRow key={entry.id} entry={entry} currency={pages[0]?.currency ?? null} />
            ))}
          </tbody>
        </table>
      </div>
    </PagedList>
  );
}
