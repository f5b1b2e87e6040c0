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
import type { ChosenEdit } from "./chosen";

interface Props {
  selection: CustomerSelection;
  edit: Dispatch<ChosenEdit>;
  limit: number;
}

/** Puts all customers into the list whom the search and the filter select. */
export function AddAllButton({ selection, edit, limit }: Props) {
  const { data: count } = useQuery(customerCountQuery(selection));
  const [readCount, setReadCount] = useState(0);
  const controller = useRef<AbortController>(null);
  useEffect(() => () => controller.current?.abort(), []);
  const addition = useMutation({
    mutationFn: () => {
      controller.current = new AbortController();
      setReadCount(0);
      return readSelectedCustomers(selection, limit, controller.current.signal, setReadCount);
    },
    onSuccess: (customers) => edit({ type: "add", customers }),
  });
  if (count === undefined) return <p className="waiting">Counting …</p>;
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
          Add all {formatNumber(count)}
        </ActionButton>{" "}
        {addition.isPending && <span className="waiting">Read {formatNumber(readCount)} …</span>}
      </p>
    </>
  );
}
