import { useQuery } from "@tanstack/react-query";
import { formatInstant, formatNumber } from "../ui/formats";
import { memberCountQuery } from "./sizeQueries";

/** The number of members, counted now; meanwhile, the last noted one. */
export function MemberCount({ id, lastSize }: { id: string; lastSize?: NotedSize | null }) {
  const { data, error } = useQuery(memberCountQuery(id));
  if (error) return <span title={error.message}>can’t be counted</span>;
  if (data === undefined) return <LastSize size={lastSize ?? null} />;
  return data === null ? "deleted" : formatNumber(data);
}

interface NotedSize {
  memberCount: number;
  at: string;
}

/** The last noted number of members, which may be old. */
export function LastSize({ size }: { size: NotedSize | null }) {
  return (
    <span className="waiting">
      {size ? `${formatNumber(size.memberCount)}, noted ${formatInstant(size.at)}` : "counting …"}
    </span>
  );
}
