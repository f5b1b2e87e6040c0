import { useQuery } from "@tanstack/react-query";
import { CustomerLink } from "../customers/CustomerLink";
import { formatCount, formatNumber } from "../ui/formats";
import { useAnnouncement } from "../ui/Status";
import { useDebounced } from "../ui/useDebounced";
import { comparisonQuery } from "./queries";
import type { FilterInput, usePreview } from "./usePreview";

const SPEECH_PAUSE_MS = 700;

interface Props {
  preview: ReturnType<typeof usePreview>;
  /** The saved segment, with which the filter is compared. */
  segmentId: string | undefined;
}

/** Who meets the filter now, in a sentence, a number and a sample. */
export function Preview({ preview, segmentId }: Props) {
  const { data, error, isStale, unfinishedCount, filter } = preview;
  const size = data?.size;
  const summary = size ? describeSize(size.memberCount, size.exact) : "";
  useAnnouncement(useDebounced(isStale ? "" : summary, SPEECH_PAUSE_MS));

  return (
    <section aria-labelledby="preview-heading">
      <h2 id="preview-heading">Who this selects</h2>
      {unfinishedCount > 0 && (
        <p>{formatCount(unfinishedCount, "condition")} not finished, and left out.</p>
      )}
      {error && <p className="field-problem">{error.message}</p>}
      {!filter && <p className="waiting">Add a condition to see who meets it.</p>}
      {filter && !data && !error && <p className="waiting">Counting …</p>}
      {filter && data && (
        <div aria-busy={isStale}>
          <p className="preview-size">{summary}</p>
          <p className="sentence">{data.filterText}</p>
          <ul>
            {data.sample.map((customer) => (
              <li key={customer.id}>
                <CustomerLink customer={customer} />
              </li>
            ))}
          </ul>
        </div>
      )}
      {filter && segmentId && !error && <Comparison filter={filter} segmentId={segmentId} />}
    </section>
  );
}

function Comparison({ filter, segmentId }: { filter: FilterInput; segmentId: string }) {
  const { data, error } = useQuery(comparisonQuery(filter, segmentId));
  if (error) return <p className="field-problem">{error.message}</p>;
  if (!data) return null;
  const { enteringCount, leavingCount, stayingCount } = data;
  return (
    <p>
      +{formatNumber(enteringCount)} would enter, −{formatNumber(leavingCount)} would leave,{" "}
      {formatNumber(stayingCount)} stay
    </p>
  );
}

function describeSize(memberCount: number, isExact: boolean): string {
  return `${isExact ? "" : "about "}${formatCount(memberCount, "customer")}`;
}
