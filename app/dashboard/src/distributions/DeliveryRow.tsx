import { CustomerLink } from "../customers/CustomerLink";
import { formatCount, formatInstant } from "../ui/formats";
import type { Delivery } from "./queries";
import { STATUS_NAMES } from "./words";

const RETRYABLE_STATUSES = ["FAILED", "RETRYING"];

interface Props {
  delivery: Delivery;
  /** Sends the delivery again; null if the key may not. */
  onRetry: (() => void) | null;
}

/** One delivery: to whom, how far it has come, and why not further. */
export function DeliveryRow({ delivery, onRetry }: Props) {
  const { customer, status, attempts, lastError, nextAttemptAt, code, createdAt } = delivery;
  return (
    <tr>
      <th scope="row">{customer ? <CustomerLink customer={customer} /> : "a deleted customer"}</th>
      <td>
        {STATUS_NAMES[status]}
        {attempts > 0 && `, ${formatCount(attempts, "attempt")}`}
        {lastError && <p className="sentence">{lastError}</p>}
        {nextAttemptAt && <p className="sentence">Next attempt {formatInstant(nextAttemptAt)}</p>}
      </td>
      <td>{code ?? "–"}</td>
      <td>{formatInstant(createdAt)}</td>
      {onRetry && (
        <td>
          {RETRYABLE_STATUSES.includes(status) && (
            <button type="button" onClick={onRetry}>
              Send again
            </button>
          )}
        </td>
      )}
    </tr>
  );
}
