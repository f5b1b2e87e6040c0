/** A value at an instant, in milliseconds since 1970. */
export interface ChartPoint {
  time: number;
  value: number;
}

const MAX_STEPS = 4;
const ROUND_FACTORS = [1, 2, 5, 10];

/**
 * Returns round whole numbers at equal distances for the axis, the least first. None of the values
 * is outside. They begin with zero unless that would make the line flat.
 */
export function chooseTicks(least: number, most: number): number[] {
  const start = least <= most / 2 ? 0 : least;
  const step = roundUp((most - start) / MAX_STEPS);
  const ticks = [Math.floor(start / step) * step];
  do {
    ticks.push((ticks.at(-1) ?? 0) + step);
  } while ((ticks.at(-1) ?? 0) < most);
  return ticks;
}

/** Returns the number or the next greater one that is 1, 2 or 5 times a power of ten. */
function roundUp(value: number): number {
  if (value <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return (ROUND_FACTORS.find((factor) => factor * power >= value) ?? 10) * power;
}

/** Returns the index of the point whose time is nearest; -1 without points. */
export function findNearest(points: readonly ChartPoint[], time: number): number {
  const distances = points.map((point) => Math.abs(point.time - time));
  return distances.indexOf(Math.min(...distances));
}

/** Returns the index that a key chooses, starting at another one; null if it is no such key. */
export function chooseByKey(key: string, index: number | null, count: number): number | null {
  const last = count - 1;
  const move = (step: number) => Math.min(Math.max((index ?? 0) + step, 0), last);
  switch (key) {
    case "ArrowRight":
      return index === null ? 0 : move(1);
    case "ArrowLeft":
      return index === null ? last : move(-1);
    case "PageUp":
      return move(10);
    case "PageDown":
      return move(-10);
    case "Home":
      return 0;
    case "End":
      return last;
    default:
      return null;
  }
}
