import { Fragment, type ReactNode } from "react";
import { describeValue } from "../explanations/explanation";
import { formatAmount, formatDate, formatInstant, formatNumber } from "../ui/formats";
import type { CustomerProfile, MetadataDefinition, ShownCustomer } from "./profileQueries";

/** What is stored of a customer: the profile, sums of orders and points, and metadata. */
export function Profile({ profile }: { profile: CustomerProfile }) {
  const { customer, metadataDefinitions, project } = profile;
  return (
    <div className="profile">
      <Facts title="Profile" facts={listProfile(customer)} />
      <Facts title="Activity" facts={listActivity(customer, project.currency)} />
      <Facts title="Metadata" facts={listMetadata(customer.metadata, metadataDefinitions)} />
    </div>
  );
}

type Fact = readonly [label: string, value: ReactNode];

function listProfile(customer: ShownCustomer): Fact[] {
  const { line1, line2, postalCode, city, state, country } = customer.address ?? {};
  const address = [line1, line2, postalCode, city, state, country].filter(Boolean).join(", ");
  return [
    ["Name", customer.name],
    ["Email", customer.email],
    ["Phone", customer.phone],
    ["Birthdate", customer.birthdate],
    ["Address", address],
    ["Description", customer.description],
    ["Source", customer.source],
    ["Created", formatInstant(customer.createdAt)],
    ["Changed", formatInstant(customer.updatedAt)],
  ];
}

function listActivity({ orders, loyalty }: ShownCustomer, currency: string | null): Fact[] {
  const format = (amount: number | null) => amount !== null && formatAmount(amount, currency);
  return [
    ["Orders", formatNumber(orders.totalCount)],
    ["Total amount", format(orders.totalAmount)],
    ["Average amount", format(orders.averageAmount)],
    ["First order", orders.firstOrderAt && formatDate(orders.firstOrderAt)],
    ["Last order", orders.lastOrderAt && formatDate(orders.lastOrderAt)],
    ["Last amount", format(orders.lastOrderAmount)],
    ["Points", formatNumber(loyalty.points)],
  ];
}

function listMetadata(metadata: unknown, definitions: readonly MetadataDefinition[]): Fact[] {
  const labels = new Map(definitions.map(({ key, label }) => [key, label]));
  return Object.entries(metadata as Record<string, unknown>).map(([key, value]) => [
    labels.get(key) ?? key,
    describeValue(value),
  ]);
}

function Facts({ title, facts }: { title: string; facts: readonly Fact[] }) {
  const known = facts.filter(([, value]) => value);
  return (
    <section>
      <h2>{title}</h2>
      {known.length === 0 ? (
        <p className="hint">Nothing is stored.</p>
      ) : (
        <dl>
          {known.map(([label, value]) => (
            <Fragment key={label}>
              <dt>{label}</dt>
              <dd>{value}</dd>
            </Fragment>
          ))}
        </dl>
      )}
    </section>
  );
}
