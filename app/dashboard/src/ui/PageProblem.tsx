import { Problem } from "./Problem";

/** An error in place of a whole page. */
export function PageProblem({ error, onRetry }: { error: Error; onRetry: () => void }) {
  return (
    <>
      <title>Not shown · Customer segments</title>
      <h1>This page can’t be shown</h1>
      <Problem error={error} onRetry={onRetry} />
    </>
  );
}
