import { useQuery } from "@tanstack/react-query";
import { Link, useLocation } from "wouter";
import { useCanWrite } from "../access/viewer";
import { routes } from "../routes";
import { DeleteButton } from "../ui/DeleteButton";
import { formatDate, formatShare } from "../ui/formats";
import { useHeadingFocus } from "../ui/headingFocus";
import { CopyAsGraphQLButton } from "./CopyAsGraphQLButton";
import { EditDetailsButton } from "./EditDetailsButton";
import { KindBadge } from "./KindBadge";
import { MemberCount } from "./MemberCount";
import { activationQuery, type ShownSegment } from "./queries";
import { listSegmentPages } from "./segmentPages";
import { allCustomersQuery, memberCountQuery } from "./sizeQueries";
import { useSegmentDeletion } from "./useSegmentDeletion";
import { USE_NAMES } from "./words";

/** What the segment is, and what can be done with it. */
export function SegmentHead({ segment }: { segment: ShownSegment }) {
  const [, navigate] = useLocation();
  const canWrite = useCanWrite();
  const deletion = useSegmentDeletion(segment, () => navigate(routes.segments));
  const heading = useHeadingFocus();
  return (
    <>
      <h1 ref={heading} tabIndex={-1}>
        {segment.name}
      </h1>
      {segment.description && <p>{segment.description}</p>}
      {segment.filterText && <p className="sentence">{segment.filterText}</p>}
      {segment.activatedAt && (
        <p className="sentence">
          Active since {formatDate(segment.activatedAt)}
          <ActivatedBy segmentId={segment.id} />; its filter can’t be edited
        </p>
      )}
      <p>
        <KindBadge kind={segment.kind} />
        {", "}
        <MemberCount id={segment.id} lastSize={segment.lastSize} isNamed />
        <Share segmentId={segment.id} />
      </p>
      <div className="toolbar">
        {canWrite &&
          listSegmentPages(segment).map(({ name, href }) => (
            <Link key={name} className="button" href={href} onClick={() => focusFragment(href)}>
              {name}
            </Link>
          ))}
        {segment.kind !== "STATIC" && <CopyAsGraphQLButton id={segment.id} />}
        {canWrite && <EditDetailsButton segment={segment} />}
        {canWrite && <DeleteButton {...deletion} />}
      </div>
    </>
  );
}

/** Focuses what the fragment of an address names, if the page shows it already. */
function focusFragment(href: string) {
  const [, fragment = ""] = href.split("#");
  document.getElementById(fragment)?.focus();
}

/** The share of all customers, once both are counted. */
function Share({ segmentId }: { segmentId: string }) {
  const { data: count } = useQuery(memberCountQuery(segmentId));
  const { data: total } = useQuery(allCustomersQuery);
  if (typeof count !== "number" || !total) return null;
  return `, ${formatShare(count / total)} of all customers`;
}

/** What made the segment active, if that is known. */
function ActivatedBy({ segmentId }: { segmentId: string }) {
  const { data: use } = useQuery(activationQuery(segmentId));
  return use && `, by the ${USE_NAMES[use.kind].toLowerCase()} “${use.name}”`;
}
