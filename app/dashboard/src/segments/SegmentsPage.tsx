import { Link, useSearchParams } from "wouter";
import { useCanWrite } from "../access/viewer";
import { routes } from "../routes";
import { useDebounced } from "../ui/useDebounced";
import type { SegmentSelection } from "./queries";
import { SegmentList } from "./SegmentList";
import { readSorting, writeSorting } from "./sorting";
import { KIND_NAMES, type SegmentKind } from "./words";

const UNUSED = "none";

/** The list of segments. The address holds what is searched for, and the order. */
export function SegmentsPage() {
  const [parameters, setParameters] = useSearchParams();
  const canWrite = useCanWrite();
  const search = parameters.get("search") ?? "";
  const selection: SegmentSelection = {
    search: useDebounced(search),
    kind: readKind(parameters.get("kind")),
    isUnused: parameters.get("use") === UNUSED,
    sorting: readSorting(parameters.get("sort") ?? ""),
  };

  function change(name: "search" | "kind" | "use" | "sort", value: string) {
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
        <p className="toolbar">
          <Link className="primary button" href={routes.newSegment}>
            New segment
          </Link>
          <Link className="button" href={routes.newList}>
            New fixed list
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
          <select value={selection.kind} onChange={(event) => change("kind", event.target.value)}>
            <option value="">All kinds</option>
            {Object.entries(KIND_NAMES).map(([value, name]) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label>
          Used by
          <select
            value={selection.isUnused ? UNUSED : ""}
            onChange={(event) => change("use", event.target.value)}
          >
            <option value="">Anything or nothing</option>
            <option value={UNUSED}>Nothing</option>
          </select>
        </label>
      </search>
      <SegmentList
        selection={selection}
        onSort={(sorting) => change("sort", writeSorting(sorting))}
        onClear={() => setParameters({}, { replace: true })}
      />
    </>
  );
}

function readKind(text: string | null): SegmentKind | "" {
  return text && Object.hasOwn(KIND_NAMES, text) ? (text as SegmentKind) : "";
}
