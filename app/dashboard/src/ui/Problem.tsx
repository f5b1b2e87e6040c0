import { ApiError } from "../api/request";

/** An error in place of what could not be shown. */
export function Problem({ error, onRetry }: { error: Error; onRetry?: () => void }) {
  return (
    <div className="problem" role="alert">
      <p>
        {error.message} {error instanceof ApiError && <code>{error.code}</code>}
      </p>
      {onRetry && (
        <button type="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}
