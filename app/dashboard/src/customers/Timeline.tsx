import { useInfiniteQuery } from "@tanstack/react-query";
import { Problem } from "../ui/Problem";
import { ShowMore } from "../ui/ShowMore";
import { timelineQuery } from "./profileQueries";
import { TimelineRow } from "./TimelineRow";

/** What happened to a customer, the newest first, page by page. */
export function Timeline({ sourceId }: { sourceId: string }) {
  const query = useInfiniteQuery(timelineQuery(sourceId));
  const problem = query.error && <Problem error={query.error} onRetry={() => query.refetch()} />;
  if (!query.data) return problem ?? <p className="waiting">Loading the timeline …</p>;
  const { pages } = query.data;
  const entries = pages.flatMap((page) => page?.nodes ?? []);
  if (entries.length === 0) return problem ?? <p>Nothing has happened yet.</p>;
  return (
    <>
      {problem}
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
      <ShowMore query={query} />
    </>
  );
}
