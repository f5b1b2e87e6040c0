import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { formatNumber } from "../ui/formats";
import { useDebounced } from "../ui/useDebounced";
import { ChosenCustomers } from "./ChosenCustomers";
import { CustomerPicker } from "./CustomerPicker";
import { type Chosen, type ChosenEdit, editChosen, isNobody, NOBODY } from "./chosen";
import { type ListDraft, readKeptList, useKeptList } from "./keptList";
import { PasteForm } from "./PasteForm";
import { chosenCountQuery } from "./queries";
import { SaveListForm } from "./SaveListForm";
import { SegmentPicker } from "./SegmentPicker";

interface Props {
  /** The maximum number of customers. */
  limit: number;
  initial: Chosen;
  /** Under which name this tab keeps the list until it is created. */
  scope: string;
}

/** The name of a new fixed list, its customers so far, and ways to add more. */
export function ListEditor({ limit, initial, scope }: Props) {
  const [unchanged] = useState<ListDraft>({ name: "", description: "", chosen: initial });
  const [kept] = useState(() => readKeptList(scope));
  const [draft, setDraft] = useState(kept ?? unchanged);
  const page = useRef<HTMLDivElement>(null);
  useEffect(() => focusName(page.current), []);
  const edit = useCallback(
    (change: ChosenEdit) =>
      setDraft((before) => ({ ...before, chosen: editChosen(before.chosen, change) })),
    [],
  );
  const isKept = useKeptList(scope, draft, unchanged);
  const { chosen } = draft;
  const { count, error } = useChosenCount(chosen);
  return (
    <div ref={page}>
      <p>
        A fixed list has at most {formatNumber(limit)} customers. They can’t be changed later; a
        changed copy can be made.
      </p>
      {kept && draft === kept && (
        <div className="notice">
          <p>The list that you began in this tab is back.</p>
          <button
            type="button"
            onClick={() => {
              setDraft({ ...unchanged });
              focusName(page.current);
            }}
          >
            Start again
          </button>
        </div>
      )}
      {!isKept && (
        <p className="field-problem" role="alert">
          The browser has no room to keep this list: it is lost if you leave the page.
        </p>
      )}
      <SaveListForm draft={draft} setDraft={setDraft} count={count} limit={limit} scope={scope} />
      <div className="list-editor">
        <div>
          <PasteForm chosen={chosen} edit={edit} />
          <SegmentPicker edit={edit} limit={limit} />
          <CustomerPicker chosen={chosen} edit={edit} limit={limit} />
        </div>
        <ChosenCustomers chosen={chosen} count={count} error={error} edit={edit} limit={limit} />
      </div>
    </div>
  );
}

const focusName = (page: HTMLElement | null) => page?.querySelector("input")?.focus();

/** The number of customers in the list; undefined while the API counts those of groups. */
function useChosenCount(chosen: Chosen) {
  const settled = useDebounced(chosen);
  const hasGroups = chosen.groups.length > 0;
  const countQuery = useMemo(
    () => chosenCountQuery(hasGroups ? settled : NOBODY),
    [hasGroups, settled],
  );
  const { data, error } = useQuery({ ...countQuery, enabled: hasGroups && !isNobody(settled) });
  if (!hasGroups) return { count: chosen.customers.size, error: null };
  return { count: settled === chosen ? data : undefined, error };
}
