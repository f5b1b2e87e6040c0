import type { Transition } from "../api/follow";
import { formatCount, formatInstant } from "../ui/formats";
import { Table } from "../ui/Table";
import { CAUSE_NAMES, TRANSITION_NAMES } from "./words";

/** Who entered and left a segment. */
export function TransitionTable({ transitions }: { transitions: readonly Transition[] }) {
  return (
    <Table
      caption={`${formatCount(transitions.length, "transition")}, the newest first`}
      columns={["Customer", "Transition", "Cause", "Time"]}
    >
      {transitions.map((transition) => (
        <tr key={transition.id}>
          <th scope="row">{transition.customer?.name ?? transition.customerSourceId}</th>
          <td>{TRANSITION_NAMES[transition.type]}</td>
          <td>{CAUSE_NAMES[transition.cause]}</td>
          <td>{formatInstant(transition.at)}</td>
        </tr>
      ))}
    </Table>
  );
}
