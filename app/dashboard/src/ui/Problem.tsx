import { ApiError, type FieldError } from "../api/request";
import { useAnnouncement } from "./Status";

interface Props {
  error: Error;
  /** Loads again what could not be loaded. Without it, the error is that of a refused action. */
  onRetry?: () => void;
}

/** An error in place of what could not be shown. */
export function Problem({ error, onRetry }: Props) {
  const code = error instanceof ApiError ? error.code : null;
  const needsKey = code === "UNAUTHENTICATED";
  useAnnouncement(onRetry && !needsKey ? error.message : null);
  // A dialog asks for the key; then the page is loaded again.
  if (needsKey && onRetry) return <p className="waiting">Waiting for a key …</p>;
  if (code === "FORBIDDEN" && onRetry) return <p className="notice">Not shown: {error.message}</p>;
  return (
    <div className="problem" role={onRetry ? undefined : "alert"}>
      <p>
        {error.message} {code && <code>{code}</code>}
      </p>
      {onRetry && (
        <button type="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** What is missing in a panel whose other values are shown. */
export function FieldProblems({ errors }: { errors: readonly FieldError[] }) {
  const messages = [...new Set(errors.map(({ message }) => message))];
  useAnnouncement(messages.length > 0 ? messages.join(" ") : undefined);
  return messages.map((message) => (
    <p key={message} className="notice">
      Not everything is shown: {message}
    </p>
  ));
}
