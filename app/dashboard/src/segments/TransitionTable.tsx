import type { Transition } from "../api/follow";
import { CustomerLink } from "../customers/CustomerLink";
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
          <th scope="row">
            <TransitionCustomer transition={transition} />
          </th>
          <td>{TRANSITION_NAMES[transition.type]}</td>
          <td>{CAUSE_NAMES[transition.cause]}</td>
          <td>{formatInstant(transition.at)}</td>
        </tr>
      ))}
    </Table>
  );
}

/** The customer, with a link unless the customer is deleted. */
function TransitionCustomer({ transition }: { transition: Transition }) {
  const { customer, customerSourceId: sourceId } = transition;
  if (!customer) return sourceId;
  return <CustomerLink customer={{ sourceId, name: customer.name }} />;
}
