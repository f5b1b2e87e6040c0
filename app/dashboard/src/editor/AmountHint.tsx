import { type ReactNode, useId } from "react";
import type { OperandKind } from "../filter/types";
import { FieldHintContext } from "../ui/fieldProblem";

const AMOUNT_PATHS: readonly string[] = [
  "orders.totalAmount",
  "orders.averageAmount",
  "orders.lastOrderAmount",
];
const AMOUNT_EVENTS: readonly string[] = ["order", "order.item"];

interface Props {
  kind: OperandKind;
  path: string | undefined;
  /** The event that has the property with the path; undefined for an attribute of customers. */
  event?: string | undefined;
  /** The fields of the value. */
  children: ReactNode;
}

/** The fields of a value, and the unit in which they take an amount of money. */
export function AmountHint({ kind, path = "", event, children }: Props) {
  const id = useId();
  const isAmount =
    event === undefined
      ? AMOUNT_PATHS.includes(path)
      : path === "amount" && AMOUNT_EVENTS.includes(event);
  if (!isAmount || kind === "NOTHING") return children;
  return (
    <>
      <FieldHintContext value={id}>{children}</FieldHintContext>
      <span id={id} className="hint">
        in minor units (12.50 is 1250)
      </span>
    </>
  );
}
