/** Rows from `start` until before `end`. */
export interface RowRange {
  start: number;
  end: number;
}

// Rows before and after those in sight, so that scrolling by little shows no empty space.
const MARGIN_ROWS = 10;

/**
 * Returns the ranges of rows to render, in order: those in sight with a margin, and the kept one,
 * which has the focus and would lose it.
 */
export function chooseRows(
  inSight: RowRange,
  count: number,
  keptIndex: number | null,
): readonly RowRange[] {
  const end = Math.min(inSight.end + MARGIN_ROWS, count);
  const start = Math.max(Math.min(inSight.start - MARGIN_ROWS, end), 0);
  const window = { start, end };
  if (keptIndex === null || keptIndex >= count) return [window];
  const kept = { start: keptIndex, end: keptIndex + 1 };
  if (keptIndex < start) return [kept, window];
  return keptIndex < end ? [window] : [window, kept];
}
