import { formatInstant, formatNumber, formatRate } from "../ui/formats";
import { Table } from "../ui/Table";
import type { EngineStatus } from "./queries";

const COLUMNS = [
  "Host and process",
  "Started",
  "Changes",
  "Changes per second",
  "Transitions",
  "Transitions per second",
  "Errors",
];

/** The running workers, and what each has done since it started. */
export function Workers({ workers }: { workers: EngineStatus["workers"] }) {
  return (
    <section aria-labelledby="workers">
      <h2 id="workers">Workers</h2>
      {workers.length === 0 ? (
        <p>No worker runs.</p>
      ) : (
        <Table caption="Running workers, the oldest first" columns={COLUMNS}>
          {workers.map((worker) => (
            <tr key={worker.id}>
              <th scope="row">
                {worker.host} {worker.pid}
              </th>
              <td>{formatInstant(worker.beganAt)}</td>
              <td>{formatNumber(worker.changes)}</td>
              <td>{formatRate(worker.changesPerSecond)}</td>
              <td>{formatNumber(worker.transitions)}</td>
              <td>{formatRate(worker.transitionsPerSecond)}</td>
              <td>
                {formatNumber(worker.errors)}
                {worker.lastError && <p className="sentence">{worker.lastError.message}</p>}
              </td>
            </tr>
          ))}
        </Table>
      )}
    </section>
  );
}
