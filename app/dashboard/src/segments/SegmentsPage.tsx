import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { Link, useSearchParams } from "wouter";
import { useCanWrite } from "../access/viewer";
import { routes } from "../routes";
import { formatCount } from "../ui/formats";
import { Problem } from "../ui/Problem";
import { announce } from "../ui/Status";
import { useDebounced } from "../ui/useDebounced";
import { segmentsQuery } from "./queries";
import { SegmentRow } from "./SegmentRow";
import { KIND_NAMES, type SegmentKind } from "./words";

const TYPING_PAUSE_MS = 250;

/** The list of segments. The address holds what is searched for. */
export function SegmentsPage() {
  const [parameters, setParameters] = useSearchParams();
  const canWrite = useCanWrite();
  const search = parameters.get("search") ?? "";
  const kind = readKind(parameters.get("kind"));

  function change(name: "search" | "kind", value: string) {
    const next = new URLSearchParams(parameters);
    if (value) next.set(name, value);
    else next.delete(name);
    setParameters(next, { replace: true });
  }

  return (
    <>
      <title>Segments · Customer segments</title>
      <h1>Segments</h1>
      {canWrite && (
        <p>
          <Link className="primary button" href={routes.newSegment}>
            New segment
          </Link>
        </p>
      )}
      <search className="toolbar">
        <label>
          Search by name
          <input
            type="search"
            value={search}
            onChange={(event) => change("search", event.target.value)}
          />
        </label>
        <label>
          Kind
          <select value={kind} onChange={(event) => change("kind", event.target.value)}>
            <option value="">All kinds</option>
            {Object.entries(KIND_NAMES).map(([value, name]) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
          </select>
        </label>
      </search>
      <SegmentList
        search={useDebounced(search, TYPING_PAUSE_MS)}
        kind={kind}
        onClear={() => setParameters({}, { replace: true })}
      />
    </>
  );
}

interface ListProps {
  search: string;
  kind: SegmentKind | "";
  onClear: () => void;
}

function SegmentList({ search, kind, onClear }: ListProps) {
  const query = useInfiniteQuery(segmentsQuery(search, kind));
  const total = query.data?.pages[0]?.segments.totalCount;
  useEffect(() => {
    if (total !== undefined) announce(formatCount(total, "segment"));
  }, [total]);

  const problem = query.error && <Problem error={query.error} onRetry={() => query.refetch()} />;
  if (total === undefined) return problem ?? <p className="waiting">Loading segments …</p>;
  if (total === 0) {
    return search || kind ? <NothingFound onClear={onClear} /> : <p>There are no segments yet.</p>;
  }
  return (
    <>
      {problem}
      <div className="table-box" aria-busy={query.isPlaceholderData}>
        <table>
          <caption>{formatCount(total, "segment")}</caption>
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Kind</th>
              <th scope="col" className="number">
                Customers
              </th>
              <th scope="col">Used by</th>
              <th scope="col">Edited</th>
            </tr>
          </thead>
          <tbody>
            {query.data?.pages.flatMap(({ segments }) =>
              segments.nodes.map((segment) => <SegmentRow key={segment.id} segment={segment} />),
            )}
          </tbody>
        </table>
      </div>
      {query.hasNextPage && (
        <button type="button" disabled={query.isFetching} onClick={() => query.fetchNextPage()}>
          Show more
        </button>
      )}
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

function readKind(text: string | null): SegmentKind | "" {
  return text && Object.hasOwn(KIND_NAMES, text) ? (text as SegmentKind) : "";
}
