import { Link } from "wouter";
import { routes } from "../routes";
import { type NamedCustomer, nameOf } from "./nameOf";

/** The name of a customer, with a link to their page. */
export function CustomerLink({ customer }: { customer: NamedCustomer }) {
  return <Link href={routes.customer(customer.sourceId)}>{nameOf(customer)}</Link>;
}
