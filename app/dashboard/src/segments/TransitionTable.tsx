import type { Transition } from "../api/follow";
import { formatCount, formatInstant } from "../ui/formats";
import { CAUSE_NAMES, TRANSITION_NAMES } from "./words";

/** Who entered and left a segment. */
export function TransitionTable({ transitions }: { transitions: readonly Transition[] }) {
  return (
    <div className="table-box">
      <table>
        <caption>{formatCount(transitions.length, "transition")}, the newest first</caption>
        <thead>
          <tr>
            <th scope="col">Customer</th>
            <th scope="col">Transition</th>
            <th scope="col">Cause</th>
            <th scope="col">Time</th>
          </tr>
        </thead>
        <tbody>
          {transitions.map((transition) => (
            <tr key={transition.id}>
              <th scope="row">{transition.customer?.name ?? transition.customerSourceId}</th>
              <td>{TRANSITION_NAMES[transition.type]}</td>
              <td>{CAUSE_NAMES[transition.cause]}</td>
              <td>{formatInstant(transition.at)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
