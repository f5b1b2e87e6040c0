import "./codes.css";
import { formatCount, formatNumber } from "../ui/formats";
import { isGenerating } from "./queries";

interface Props {
  pool: { totalCount: number; availableCount: number; generatingCount: number };
}

/** How many codes of a pool are left, and how many are generated: bars with words. */
export function CodesLeft({ pool }: Props) {
  const { totalCount, availableCount, generatingCount } = pool;
  const wantedCount = totalCount + generatingCount;
  return (
    <>
      {totalCount === 0 && !isGenerating(pool) && "No codes yet"}
      {totalCount > 0 && (
        <label className="codes-left">
          {formatNumber(availableCount)} of {formatCount(totalCount, "code")} left
          <meter max={totalCount} value={availableCount} />
        </label>
      )}
      {isGenerating(pool) && (
        <label className="codes-left">
          Generating: {formatNumber(totalCount)} of {formatNumber(wantedCount)}
          <progress max={wantedCount} value={totalCount} />
        </label>
      )}
    </>
  );
}
