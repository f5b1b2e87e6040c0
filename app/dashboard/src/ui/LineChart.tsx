import "./chart.css";
import { type KeyboardEvent, type PointerEvent, useState } from "react";
import { type ChartPoint, chooseByKey, chooseTicks, findNearest } from "./chart";
import { formatDate, formatNumber } from "./formats";
import { announce } from "./Status";

// The picture is stretched to the width of the page; lines keep their width.
const WIDTH = 1_000;
const HEIGHT = 300;
// A line over a smaller part of the axis would not be seen.
const MIN_LINE_SHARE = 0.0025;

interface Props {
  label: string;
  /** The lines, each one up to a gap, the earliest first. There is at least one point. */
  lines: readonly (readonly ChartPoint[])[];
  /** The first and the last instant of the axis, in milliseconds since 1970. */
  start: number;
  end: number;
  /** Returns a point in words. */
  describe: (point: ChartPoint) => string;
}

/** Values over time as lines. The arrow keys and the pointer walk the points. */
export function LineChart({ label, lines, start, end, describe }: Props) {
  const [chosenIndex, setChosenIndex] = useState<number | null>(null);
  const points = lines.flat();
  const chosen = chosenIndex === null ? undefined : points[chosenIndex];
  const values = points.map(({ value }) => value);
  const ticks = chooseTicks(Math.min(...values), Math.max(...values));

  function handleKey(event: KeyboardEvent) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const index = chooseByKey(event.key, chosenIndex, points.length);
    const point = index === null ? undefined : points[index];
    if (!point) return;
    event.preventDefault();
    setChosenIndex(index);
    announce(describe(point));
  }
  function handlePointer(event: PointerEvent) {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    const time = start + ((event.clientX - left) / width) * (end - start);
    setChosenIndex(findNearest(points, time));
  }
  return (
    <>
      <div className="chart">
        <div className="chart-values" aria-hidden="true">
          {ticks.map((tick) => (
            <span key={tick}>{formatNumber(tick)}</span>
          ))}
        </div>
        <div
          className="chart-plot"
          // Screen readers leave the arrow keys to it.
          role="application"
          aria-label={label}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: the keys need the focus.
          tabIndex={0}
          onKeyDown={handleKey}
          onPointerDown={handlePointer}
          onPointerMove={handlePointer}
        >
          <Plot lines={lines} ticks={ticks} start={start} end={end} chosen={chosen} />
        </div>
        <div className="chart-times" aria-hidden="true">
          {[start, (start + end) / 2, end].map((time) => (
            <span key={time}>{formatDate(new Date(time).toISOString())}</span>
          ))}
        </div>
      </div>
      <p className="hint">
        {chosen ? describe(chosen) : "Arrow keys, or the pointer, walk the points of the line."}
      </p>
    </>
  );
}

interface PlotProps extends Pick<Props, "lines" | "start" | "end"> {
  ticks: readonly number[];
  chosen: ChartPoint | undefined;
}

function Plot({ lines, ticks, start, end, chosen }: PlotProps) {
  const [least = 0] = ticks;
  const most = ticks.at(-1) ?? 1;
  const xOf = (time: number) => (((time - start) / (end - start)) * WIDTH).toFixed(1);
  const yOf = (value: number) => (((most - value) / (most - least)) * HEIGHT).toFixed(1);
  const isLong = (line: readonly ChartPoint[]) =>
    (line.at(-1)?.time ?? 0) - (line[0]?.time ?? 0) >= (end - start) * MIN_LINE_SHARE;
  const place = ({ time, value }: ChartPoint) => `${xOf(time)} ${yOf(value)}`;
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      {ticks.map((tick) => (
        <path key={tick} className="chart-grid" d={`M0 ${yOf(tick)}H${WIDTH}`} />
      ))}
      {lines.map((line) => (
        // The end has no length that is seen. It lets a short line be a dot.
        <path
          key={line[0]?.time}
          className={isLong(line) ? "chart-line" : "chart-line chart-dot"}
          d={`M${line.map(place).join("L")}h.01`}
        />
      ))}
      {chosen && (
        <>
          <path className="chart-cursor" d={`M${xOf(chosen.time)} 0V${HEIGHT}`} />
          <path className="chart-point" d={`M${place(chosen)}h.01`} />
        </>
      )}
    </svg>
  );
}
