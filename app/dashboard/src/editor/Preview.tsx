import type { ReactNode } from "react";
import type { Hint } from "../api/request";
import { formatCount } from "../ui/formats";
import { useAnnouncement } from "../ui/Status";
import { useDebounced } from "../ui/useDebounced";
import { Comparison } from "./Comparison";
import { CustomerSample } from "./CustomerSample";
import { ProblemText } from "./ProblemText";
import type { usePreview } from "./usePreview";

const SPEECH_PAUSE_MS = 700;

/** Who meets the filter now, in a sentence, a number and a sample. */
export function Preview({ preview }: { preview: ReturnType<typeof usePreview> }) {
  const { data, comparison, isStale, unfinishedCount, filter, problems } = preview;
  const size = data?.size;
  const summary = size ? describeSize(size.memberCount, size.exact) : "";
  useAnnouncement(useDebounced(isStale ? "" : summary, SPEECH_PAUSE_MS));
  const isProblem = problems.ofFilter.length > 0;

  return (
    <section aria-labelledby="preview-heading">
      <h2 id="preview-heading">Who this selects</h2>
      {unfinishedCount > 0 && (
        <p>{formatCount(unfinishedCount, "condition")} not finished, and left out.</p>
      )}
      {problems.ofFilter.map((error) => (
        <p key={error.message} className="field-problem">
          <ProblemText problem={error} />
        </p>
      ))}
      {isProblem && (
        <button type="button" onClick={preview.retry}>
          Try again
        </button>
      )}
      {!filter && <p className="waiting">Complete a condition to see who meets it.</p>}
      {filter && !data && preview.isWaiting && <p className="waiting">Counting …</p>}
      {filter && data && (
        <Stale isStale={isStale} isBusy={preview.isWaiting}>
          <p className="preview-size">{summary}</p>
          <p className="sentence">{data.filterText}</p>
          <CustomerSample customers={data.sample} />
          <Hints hints={data.hints} />
        </Stale>
      )}
      {filter && comparison && (
        <Stale isStale={preview.isComparisonStale} isBusy={preview.isWaiting}>
          <Comparison comparison={comparison} />
        </Stale>
      )}
    </section>
  );
}

interface StaleProps {
  isStale: boolean;
  isBusy: boolean;
  children: ReactNode;
}

/** What the API has said, which may be about an earlier filter. */
function Stale({ isStale, isBusy, children }: StaleProps) {
  return (
    <div className={isStale ? "stale" : undefined} aria-busy={isStale && isBusy}>
      {children}
    </div>
  );
}

/** What looks wrong in the filter, although the API accepts it. */
function Hints({ hints }: { hints: readonly Hint[] }) {
  if (hints.length === 0) return null;
  return (
    <>
      <h3>Hints</h3>
      <ul className="hints">
        {hints.map(({ message, path }) => (
          <li key={`${path.join(".")} ${message}`}>{message}</li>
        ))}
      </ul>
    </>
  );
}

function describeSize(memberCount: number, isExact: boolean): string {
  return `${isExact ? "" : "about "}${formatCount(memberCount, "customer")}`;
}
