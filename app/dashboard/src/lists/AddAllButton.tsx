import { useMutation, useQuery } from "@tanstack/react-query";
import { type Dispatch, useEffect, useRef, useState } from "react";
import {
  type CustomerSelection,
  customerCountQuery,
  readSelectedCustomers,
} from "../customers/queries";
import { ActionButton } from "../ui/ActionButton";
import { formatCount, formatNumber } from "../ui/formats";
import { Problem } from "../ui/Problem";
import { type ChosenEdit, EVERYBODY } from "./chosen";

interface Props {
  selection: CustomerSelection;
  /** Of what they are all: "of “VIPs”". */
  origin?: string;
  edit: Dispatch<ChosenEdit>;
  limit: number;
}

/** Puts all customers into the list whom the search and the filter select. */
export function AddAllButton({ selection, origin, edit, limit }: Props) {
  const { data: count, error, refetch } = useQuery(customerCountQuery(selection));
  const { addition, readCount } = useAddition(selection, edit, limit);
  if (error) return <Problem error={error} onRetry={refetch} />;
  if (count === undefined) return <p className="waiting">Counting …</p>;
  if (count === 0) return <p className="hint">No customer matches.</p>;
  if (count > limit) {
    return (
      <p className="hint">
        {formatCount(count, "customer")} match, and a list has at most {formatNumber(limit)}. Search
        or filter for fewer to add all of them.
      </p>
    );
  }
  return (
    <>
      {addition.error && <Problem error={addition.error} />}
      <p>
        <ActionButton isPending={addition.isPending} onClick={() => addition.mutate()}>
          {["Add all", formatNumber(count), origin].filter(Boolean).join(" ")}
        </ActionButton>{" "}
        {addition.isPending && (
          <label className="waiting">
            Read {formatNumber(readCount)} of {formatNumber(count)} …{" "}
            <progress value={readCount} max={count} />
          </label>
        )}
      </p>
    </>
  );
}

/**
 * Adds the customers: as a group, which needs no reading, if a filter alone selects them. The API
 * has no filter for a search, so that those whom it finds are read.
 */
function useAddition(selection: CustomerSelection, edit: Props["edit"], limit: number) {
  const [readCount, setReadCount] = useState(0);
  const controller = useRef<AbortController>(null);
  useEffect(() => () => controller.current?.abort(), []);
  const addition = useMutation({
    mutationFn: async () => {
      if (!selection.search) {
        edit({ type: "addGroup", filter: selection.filter ?? EVERYBODY });
        return;
      }
      controller.current = new AbortController();
      setReadCount(0);
      const { signal } = controller.current;
      edit({
        type: "add",
        customers: await readSelectedCustomers(selection, limit, signal, setReadCount),
      });
    },
  });
  return { addition, readCount };
}
