import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import type { Row } from "../lists/entries";
import type { MappedColumn } from "./columns";
import { convertRows, type ImportRow, type RefusedRow } from "./rows";
import { findKnown, type ImportProgress, sendRows } from "./send";

/** What is known of a file before anything is written. */
export interface CheckReport {
  accepted: ImportRow[];
  refused: RefusedRow[];
  newCount: number;
  knownCount: number;
  /** The rows about a customer whom an earlier row is about, too. */
  repeatedCount: number;
}

/** Checks rows of so many cells, and then writes them. Both stop when the page is left. */
export function useImport(rows: readonly Row[], columns: readonly MappedColumn[], width: number) {
  const controller = useRef<AbortController>(null);
  const [progress, setProgress] = useState<ImportProgress | null>(null);
  const queryClient = useQueryClient();
  useEffect(() => () => controller.current?.abort(), []);

  function begin(): AbortSignal {
    controller.current = new AbortController();
    return controller.current.signal;
  }
  const check = useMutation({ mutationFn: () => checkRows(rows, columns, width, begin()) });
  const write = useMutation({
    mutationFn: (accepted: readonly ImportRow[]) => sendRows(accepted, begin(), setProgress),
    // Counts, members and profiles may be others now.
    onSettled: () => queryClient.invalidateQueries(),
  });
  function reset() {
    controller.current?.abort();
    check.reset();
    write.reset();
    setProgress(null);
  }
  return { check, write, progress, reset };
}

async function checkRows(
  rows: readonly Row[],
  columns: readonly MappedColumn[],
  width: number,
  signal: AbortSignal,
): Promise<CheckReport> {
  const { accepted, refused } = convertRows(rows, columns, width);
  const sourceIds = [...new Set(accepted.map(({ input }) => input.sourceId))];
  const known = await findKnown(sourceIds, signal);
  return {
    accepted,
    refused,
    newCount: sourceIds.length - known.size,
    knownCount: known.size,
    repeatedCount: accepted.length - sourceIds.length,
  };
}
