import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { useCanWrite } from "../access/viewer";
import { hasKeptDraft } from "../drafts/storage";
import { routes } from "../routes";
import { focusNeighbor } from "../ui/focusNeighbor";
import { formatDate, formatSigned } from "../ui/formats";
import { useInSight } from "../ui/useInSight";
import { KindBadge } from "./KindBadge";
import { LastSize, MemberCount } from "./MemberCount";
import type { ListedSegment } from "./queries";
import { SegmentMenu } from "./SegmentMenu";
import { Sparkline } from "./Sparkline";
import { sizeHistoryQuery } from "./sizeQueries";
import { changeOverWeek, type Size } from "./sizes";

const MAX_SHOWN_USES = 2;
const HISTORY_DAYS = 30;
const NO_SIZES: readonly Size[] = [];

/**
 * A row of the list. In sight, it counts the members and reads the sizes of the last days: a page
 * of them would take most of the time of the list.
 */
export function SegmentRow({ segment }: { segment: ListedSegment }) {
  const canWrite = useCanWrite();
  const [row, isInSight] = useInSight<HTMLTableRowElement>();
  const { data: history } = useQuery({
    ...sizeHistoryQuery(segment.id, HISTORY_DAYS, HISTORY_DAYS),
    enabled: isInSight,
  });
  const sizes = history?.sizes ?? NO_SIZES;
  return (
    <tr ref={row}>
      <th scope="row">
        <Link href={routes.segment(segment.id)}>{segment.name}</Link>
        {canWrite && hasKeptDraft(segment.id) && (
          <>
            {" "}
            <Link className="badge" href={routes.editSegment(segment.id)}>
              Unsaved change
            </Link>
          </>
        )}
        {segment.filterText && <p className="sentence">{segment.filterText}</p>}
      </th>
      <td>
        <KindBadge kind={segment.kind} />
      </td>
      <td className="number">
        {isInSight ? (
          <MemberCount id={segment.id} lastSize={segment.lastSize} />
        ) : (
          <LastSize size={segment.lastSize} />
        )}
      </td>
      <td className="number">
        <WeekChange sizes={sizes} />
      </td>
      <td>
        <Sparkline sizes={sizes} />
      </td>
      <td>{describeUses(segment.usedBy.map((use) => use.name))}</td>
      <td className="unbroken">{formatDate(segment.updatedAt)}</td>
      <td className="row-menu">
        <SegmentMenu
          segment={segment}
          onDeleted={() =>
            focusNeighbor(row.current, () => document.getElementById("main")?.focus())
          }
        />
      </td>
    </tr>
  );
}

function WeekChange({ sizes }: { sizes: readonly Size[] }) {
  const change = changeOverWeek(sizes, Date.now());
  if (change === null) return "–";
  return change === 0 ? "0" : formatSigned(change);
}

function describeUses(names: string[]): string {
  const shown = names.slice(0, MAX_SHOWN_USES).join(", ");
  const rest = names.length - MAX_SHOWN_USES;
  return rest > 0 ? `${shown} and ${rest} more` : shown || "nothing";
}
