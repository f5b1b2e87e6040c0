import type { Transition } from "../api/follow";
import { CustomerLink } from "../customers/CustomerLink";
import { WhyLink } from "../customers/WhyLink";
import { formatCount, formatInstant } from "../ui/formats";
import { Table } from "../ui/Table";
import { CAUSE_NAMES, TRANSITION_NAMES } from "./words";

interface Props {
  transitions: readonly Transition[];
  segmentId: string;
}

/** Who entered and left a segment. */
export function TransitionTable({ transitions, segmentId }: Props) {
  return (
    <Table
      caption={`${formatCount(transitions.length, "transition")}, the newest first`}
      columns={["Customer", "Transition", "Cause", "Time", "Reason now"]}
    >
      {transitions.map((transition) => {
        const customer = readCustomer(transition);
        return (
          <tr key={transition.id}>
            <th scope="row">
              {customer ? <CustomerLink customer={customer} /> : transition.customerSourceId}
            </th>
            <td>{TRANSITION_NAMES[transition.type]}</td>
            <td>{CAUSE_NAMES[transition.cause]}</td>
            <td>{formatInstant(transition.at)}</td>
            <td>{customer && <WhyLink customer={customer} segmentId={segmentId} />}</td>
          </tr>
        );
      })}
    </Table>
  );
}

/** Returns the customer; null if they are deleted. */
const readCustomer = ({ customer, customerSourceId: sourceId }: Transition) =>
  customer && { sourceId, name: customer.name };
