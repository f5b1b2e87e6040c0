import { useQuery } from "@tanstack/react-query";
import { Link, useLocation } from "wouter";
import { useCanWrite } from "../access/viewer";
import { routes } from "../routes";
import { formatDate, formatShare } from "../ui/formats";
import { useHeadingFocus } from "../ui/headingFocus";
import { DeleteSegmentButton } from "./DeleteSegmentButton";
import { EditDetailsButton } from "./EditDetailsButton";
import { KindBadge } from "./KindBadge";
import { MemberCount } from "./MemberCount";
import { activationQuery, type ShownSegment } from "./queries";
import { allCustomersQuery, memberCountQuery } from "./sizeQueries";
import { USE_NAMES } from "./words";

/** What the segment is, and what can be done with it. */
export function SegmentHead({ segment }: { segment: ShownSegment }) {
  const [, navigate] = useLocation();
  const canWrite = useCanWrite();
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
      <div className="toolbar">
        <KindBadge kind={segment.kind} />
        <span>
          <MemberCount id={segment.id} lastSize={segment.lastSize} isNamed />
          <Share segmentId={segment.id} />
        </span>
        {canWrite && segment.editable && (
          <Link className="button" href={routes.editSegment(segment.id)}>
            Edit
          </Link>
        )}
        {canWrite && segment.kind !== "STATIC" && (
          <Link className="button" href={routes.duplicate(segment.id)}>
            Duplicate
          </Link>
        )}
        {canWrite && segment.kind === "STATIC" && (
          <Link className="button" href={routes.changedCopy(segment.id)}>
            Make a changed copy
          </Link>
        )}
        {canWrite && <EditDetailsButton segment={segment} />}
        {canWrite && (
          <DeleteSegmentButton segment={segment} onDeleted={() => navigate(routes.segments)} />
        )}
      </div>
    </>
  );
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
