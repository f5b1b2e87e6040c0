import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";
import { CatalogContext, catalogQuery } from "../editor/catalog";
import { Problem } from "../ui/Problem";
import { useDebounced } from "../ui/useDebounced";
import { ChangeRow } from "./ChangeRow";
import { MembershipTable } from "./MembershipTable";
import { type Change, toOverrides } from "./overrides";
import { membershipsQuery } from "./profileQueries";

let lastId = 0;

const createChange = (): Change => ({ id: `change-${++lastId}`, path: "", value: undefined });

/** Which segments a customer would enter or leave if the profile were another one. */
export function WhatIf({ sourceId }: { sourceId: string }) {
  const [changes, setChanges] = useState(() => [createChange()]);
  const catalog = useQuery(catalogQuery);
  const heading = useId();
  if (catalog.error) return <Problem error={catalog.error} onRetry={catalog.refetch} />;
  if (!catalog.data) return <p className="waiting">Loading the attributes …</p>;
  return (
    <>
      <section aria-labelledby={heading}>
        <h2 id={heading}>What if the customer had other values?</h2>
        <p>Nothing is stored. Conditions on events look at the stored events only.</p>
        <CatalogContext value={catalog.data}>
          {changes.map((change) => (
            <ChangeRow
              key={change.id}
              change={change}
              attributes={catalog.data.attributes}
              onChange={(next) =>
                setChanges(changes.map((other) => (other.id === next.id ? next : other)))
              }
            />
          ))}
        </CatalogContext>
        <button type="button" onClick={() => setChanges([...changes, createChange()])}>
          + Value
        </button>
      </section>
      <Outcome sourceId={sourceId} changes={changes} />
    </>
  );
}

function Outcome({ sourceId, changes }: { sourceId: string; changes: readonly Change[] }) {
  const overrides = toOverrides(useDebounced(changes));
  const stored = useQuery(membershipsQuery(sourceId, null));
  const changed = useQuery({
    ...membershipsQuery(sourceId, overrides),
    enabled: overrides !== null,
  });
  const failed = [stored, changed].find((query) => query.error);
  if (failed?.error) return <Problem error={failed.error} onRetry={failed.refetch} />;
  if (!overrides) return <p className="hint">Choose an attribute and a value.</p>;
  if (!stored.data || !changed.data) return <p className="waiting">Evaluating …</p>;
  const memberOf = new Set(
    stored.data.filter(({ isMember }) => isMember).map(({ segment }) => segment.id),
  );
  const flipped = changed.data.filter(
    ({ segment, isMember }) => isMember !== memberOf.has(segment.id),
  );
  const table = { sourceId, overrides };
  return (
    <div aria-busy={changed.isPlaceholderData}>
      <MembershipTable
        title="Would enter"
        memberships={flipped.filter(({ isMember }) => isMember)}
        {...table}
      />
      <MembershipTable
        title="Would leave"
        memberships={flipped.filter(({ isMember }) => !isMember)}
        {...table}
      />
    </div>
  );
}
