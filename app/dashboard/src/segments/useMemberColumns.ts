import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { exportFieldsQuery } from "../exports/queries";
import {
  isDetail,
  isMetadata,
  keepChosenPaths,
  listColumns,
  type MemberColumn,
  readChosenPaths,
} from "./memberColumns";

export interface MemberColumns {
  all: readonly MemberColumn[];
  /** The chosen columns, in the order of all. */
  shown: readonly MemberColumn[];
  /** Whether they show more of a customer than the usual ones. */
  hasDetails: boolean;
  toggle: (path: string, isChosen: boolean) => void;
  /** Reads which keys of metadata there are. */
  readFields: () => void;
  error: Error | null;
}

/** The columns of members, and those that the user has chosen. This browser keeps the choice. */
export function useMemberColumns(hasEntered: boolean): MemberColumns {
  const [chosen, setChosen] = useState(readChosenPaths);
  const [isOpen, setOpen] = useState(false);
  const { data: fields, error } = useQuery({
    ...exportFieldsQuery,
    enabled: isOpen || chosen.some(isMetadata),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const all = useMemo(() => listColumns(fields ?? [], hasEntered), [fields, hasEntered]);
  const shown = useMemo(() => all.filter(({ path }) => chosen.includes(path)), [all, chosen]);
  const hasDetails = chosen.some(isDetail);

  function toggle(path: string, isChosen: boolean) {
    const others = chosen.filter((other) => other !== path);
    const next = isChosen ? [...others, path] : others;
    setChosen(next);
    keepChosenPaths(next);
  }
  return { all, shown, hasDetails, toggle, readFields: () => setOpen(true), error };
}
