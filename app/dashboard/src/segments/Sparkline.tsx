import { formatNumber } from "../ui/formats";

const WIDTH = 96;
const HEIGHT = 24;
// Half of the line's width stays inside the picture.
const MARGIN = 1;

interface Props {
  /** The counted sizes, the oldest first. */
  sizes: readonly { at: string; memberCount: number }[];
}

/** The sizes of a segment as a line, and in words for readers who can't see it. */
export function Sparkline({ sizes }: Props) {
  const [first] = sizes;
  const last = sizes.at(-1);
  if (!first || !last || first === last) return "–";
  const counts = sizes.map(({ memberCount }) => memberCount);
  const least = Math.min(...counts);
  const most = Math.max(...counts);
  const start = Date.parse(first.at);
  const duration = Date.parse(last.at) - start;
  const points = sizes.map(({ at, memberCount }) => {
    const x = (Date.parse(at) - start) / duration;
    const y = most === least ? 0.5 : (most - memberCount) / (most - least);
    return `${scale(x, WIDTH)},${scale(y, HEIGHT)}`;
  });
  const words = [first.memberCount, last.memberCount, least, most].map(formatNumber);
  return (
    <svg
      className="sparkline"
      role="img"
      aria-label={`From ${words[0]} to ${words[1]}, at least ${words[2]}, at most ${words[3]}`}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
    >
      <polyline points={points.join(" ")} />
    </svg>
  );
}

const scale = (share: number, size: number) => (MARGIN + share * (size - 2 * MARGIN)).toFixed(1);
