import { type Dispatch, useId, useRef } from "react";
import { formatCount } from "../ui/formats";
import { Problem } from "../ui/Problem";
import { useAnnouncement } from "../ui/Status";
import { ChosenGroups } from "./ChosenGroups";
import { ChosenTable } from "./ChosenTable";
import { type Chosen, type ChosenEdit, isNobody } from "./chosen";

interface Props {
  chosen: Chosen;
  /** The number of customers; undefined until it is known. */
  count: number | undefined;
  /** Why they can't be counted. */
  error: Error | null;
  edit: Dispatch<ChosenEdit>;
  limit: number;
}

/** The customers who will be in the list. */
export function ChosenCustomers({ chosen, count, error, edit, limit }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  const headingId = useId();
  const total = count !== undefined && `${formatCount(count, "customer")} in the list`;
  useAnnouncement(isNobody(chosen) ? null : total || null);
  const focusHeading = () => heading.current?.focus();

  return (
    <section className="chosen" aria-labelledby={headingId}>
      <h2 id={headingId} tabIndex={-1} ref={heading}>
        {total || "Customers in the list"}
      </h2>
      {error ? <Problem error={error} /> : !total && <p className="waiting">Counting …</p>}
      {count !== undefined && count > limit && (
        <p className="field-problem" role="alert">
          {formatCount(count - limit, "customer")} too many: remove them, or use a filter.
        </p>
      )}
      {isNobody(chosen) ? (
        <p className="waiting">Paste, upload or tick customers to add them.</p>
      ) : (
        <>
          <ChosenGroups groups={chosen.groups} edit={edit} onLostFocus={focusHeading} />
          <ChosenTable customers={chosen.customers} edit={edit} onLostFocus={focusHeading} />
          <div className="toolbar">
            <button
              type="button"
              onClick={() => {
                focusHeading();
                edit({ type: "clear" });
              }}
            >
              Remove all
            </button>
          </div>
        </>
      )}
    </section>
  );
}
