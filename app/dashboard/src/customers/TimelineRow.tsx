import type { ReactNode } from "react";
import { Link } from "wouter";
import { describeValue } from "../explanations/explanation";
import { routes } from "../routes";
import { CAUSE_NAMES, TRANSITION_NAMES } from "../segments/words";
import { formatAmount, formatInstant, formatNumber, formatSigned } from "../ui/formats";
import type { TimelineEntry } from "./profileQueries";

export const KIND_NAMES = {
  CustomEvent: "Event",
  Order: "Order",
  SegmentTransition: "Transition",
  LedgerEntry: "Points",
  Delivery: "Delivery",
} as const;

interface Props {
  entry: TimelineEntry;
  currency: string | null;
}

/** One thing that happened to a customer. */
export function TimelineRow({ entry, currency }: Props) {
  const at = entry.__typename === "Delivery" ? entry.createdAt : entry.at;
  return (
    <tr>
      <td>{formatInstant(at)}</td>
      <td>{KIND_NAMES[entry.__typename]}</td>
      <td>{describe(entry, currency)}</td>
    </tr>
  );
}

function describe(entry: TimelineEntry, currency: string | null): ReactNode {
  switch (entry.__typename) {
    case "CustomEvent":
      return <Details summary={entry.name} detail={describeProperties(entry.properties)} />;
    case "Order":
      return (
        <Details
          summary={`${entry.sourceId}: ${formatAmount(entry.amount, currency)}, ${entry.orderStatus.toLowerCase()}`}
          detail={entry.items
            .map(({ quantity, name, sku }) => `${quantity} × ${name ?? sku}`)
            .join(", ")}
        />
      );
    case "SegmentTransition":
      return (
        <>
          {TRANSITION_NAMES[entry.type]}{" "}
          <Link href={routes.segment(entry.segmentId)}>{entry.segmentName}</Link>
          <p className="sentence">{CAUSE_NAMES[entry.cause]}</p>
        </>
      );
    case "LedgerEntry":
      return (
        <Details
          summary={`${formatSigned(entry.points)} points in “${entry.program.name}”, ${formatNumber(entry.balance)} in all`}
          detail={entry.reason}
        />
      );
    case "Delivery": {
      const { transition } = entry;
      const occasion = transition
        ? `${TRANSITION_NAMES[transition.type]} ${transition.segmentName}`
        : "For current members";
      return (
        <Details
          summary={`${occasion}: ${entry.deliveryStatus.toLowerCase()}`}
          detail={[entry.code && `Code ${entry.code}`, entry.lastError].filter(Boolean).join(", ")}
        />
      );
    }
  }
}

function Details({ summary, detail }: { summary: string; detail: string | null }) {
  return (
    <>
      {summary}
      {detail && <p className="sentence">{detail}</p>}
    </>
  );
}

const describeProperties = (properties: unknown) =>
  Object.entries(properties as Record<string, unknown>)
    .map(([key, value]) => `${key}: ${describeValue(value)}`)
    .join(", ");
