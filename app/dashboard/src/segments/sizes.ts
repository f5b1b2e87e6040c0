const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
/** The greatest number of sizes that the API sends. */
export const MAX_SIZES = 1_000;

// The API keeps every size for this time, and then the last one of each day.
const FULL_RESOLUTION_MS = 30 * DAY_MS;
// A step that is longer than so many usual ones has missing sizes.
const MAX_USUAL_STEPS = 2.5;
const COMPARED_DAYS = 7;
// How far from seven days the compared size may be.
const TOLERANCE_MS = 1.5 * DAY_MS;

/** A counted size of a segment. */
export interface Size {
  at: string;
  memberCount: number;
}

/**
 * Splits sizes, the oldest first, where sizes are missing between two of them: while no worker ran,
 * nothing was counted.
 */
export function splitAtGaps(sizes: readonly Size[], now: number): Size[][] {
  const times = sizes.map(timeOf);
  const steps = times.slice(1).map((time, index) => time - (times[index] ?? time));
  const fullResolutionStart = now - FULL_RESOLUTION_MS;
  const recentSteps = steps.filter((_, index) => (times[index] ?? 0) >= fullResolutionStart);
  const recentStep = median(recentSteps);
  const thinnedStep = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / (MAX_SIZES - 1);

  const lines: Size[][] = [];
  sizes.forEach((size, index) => {
    const start = times[index - 1] ?? Number.NEGATIVE_INFINITY;
    const storedStep = start < fullResolutionStart ? Math.max(DAY_MS, recentStep) : recentStep;
    const usualStep = Math.max(storedStep, thinnedStep);
    const line = lines.at(-1);
    if (line && (steps[index - 1] ?? 0) <= MAX_USUAL_STEPS * usualStep) line.push(size);
    else lines.push([size]);
  });
  return lines;
}

/**
 * Returns by how much the size has changed over the last seven days; null if it is not known, now
 * or seven days ago.
 */
export function changeOverWeek(sizes: readonly Size[], now: number): number | null {
  const last = sizes.at(-1);
  if (!last || now - timeOf(last) > TOLERANCE_MS) return null;
  const weekAgo = now - COMPARED_DAYS * DAY_MS;
  const distanceOf = (size: Size) => Math.abs(timeOf(size) - weekAgo);
  const [first, ...others] = sizes;
  if (!first) return null;
  const nearest = others.reduce(
    (best, size) => (distanceOf(size) < distanceOf(best) ? size : best),
    first,
  );
  return distanceOf(nearest) > TOLERANCE_MS ? null : last.memberCount - nearest.memberCount;
}

const timeOf = ({ at }: Size) => Date.parse(at);

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}
