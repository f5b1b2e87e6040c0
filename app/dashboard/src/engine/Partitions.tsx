import { formatSeconds } from "../ui/formats";
import type { EngineStatus } from "./queries";

type Partition = EngineStatus["partitions"][number];

const SHAPES = { KEEPING_UP: "●", LAGGING: "◐", NO_WORKER: "○", BLOCKED: "✗" } as const;

/** Each share of the customers, and whether a worker keeps up with its changes. */
export function Partitions({ status }: { status: EngineStatus }) {
  return (
    <section aria-labelledby="partitions">
      <h2 id="partitions">Partitions</h2>
      <ul className="partitions">
        {status.partitions.map((partition) => (
          <li key={partition.number} className={`partition-${partition.state.toLowerCase()}`}>
            <strong>
              <span aria-hidden="true">{SHAPES[partition.state]}</span> {partition.number}
            </strong>
            <span>{describeState(partition, status.at)}</span>
            {partition.worker && (
              <span className="hint">
                {partition.worker.host} {partition.worker.pid}
              </span>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

function describeState({ state, reachedAt, poisonChange }: Partition, now: string): string {
  switch (state) {
    case "KEEPING_UP":
      return "Keeps up";
    case "LAGGING":
      return `${formatSeconds((Date.parse(now) - Date.parse(reachedAt)) / 1_000)} behind`;
    case "NO_WORKER":
      return "No worker";
    case "BLOCKED":
      return `Blocked by customer ${poisonChange?.customerId}`;
  }
}
