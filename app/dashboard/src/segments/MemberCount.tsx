import { useQuery } from "@tanstack/react-query";
import { formatCount, formatInstant, formatNumber } from "../ui/formats";
import { memberCountQuery } from "./sizeQueries";

interface Props {
  id: string;
  lastSize: NotedSize | null;
  /** Whether the number is followed by what it counts: "2 members". */
  isNamed?: boolean;
}

/** The number of members, counted now; meanwhile, the last noted one. */
export function MemberCount({ id, lastSize, isNamed = false }: Props) {
  const { data, error } = useQuery(memberCountQuery(id));
  if (error) return <span title={error.message}>can’t be counted</span>;
  if (data === undefined) return <LastSize size={lastSize} isNamed={isNamed} />;
  return data === null ? "deleted" : format(data, isNamed);
}

interface NotedSize {
  memberCount: number;
  at: string;
}

/** The last noted number of members, which may be old. */
export function LastSize({ size, isNamed = false }: { size: NotedSize | null; isNamed?: boolean }) {
  return (
    <span className="waiting">
      {size
        ? `${format(size.memberCount, isNamed)}, noted ${formatInstant(size.at)}`
        : "counting …"}
    </span>
  );
}

const format = (count: number, isNamed: boolean) =>
  isNamed ? formatCount(count, "member") : formatNumber(count);
