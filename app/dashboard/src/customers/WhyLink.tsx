import { Link } from "wouter";
import { routes } from "../routes";
import { type NamedCustomer, nameOf } from "./nameOf";

interface Props {
  customer: NamedCustomer;
  segmentId: string;
}

/** A link to why the customer is in the segment now, or is not. */
export function WhyLink({ customer, segmentId }: Props) {
  return (
    <Link
      href={routes.membership(customer.sourceId, segmentId)}
      aria-label={`Why? ${nameOf(customer)}`}
    >
      Why?
    </Link>
  );
}
