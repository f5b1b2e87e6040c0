import { useQuery } from "@tanstack/react-query";
import { formatNumber } from "../ui/formats";
import { memberCountQuery } from "./queries";

/** The number of members, counted now. */
export function MemberCount({ id }: { id: string }) {
  const { data, error } = useQuery(memberCountQuery(id));
  if (error) return <span title={error.message}>can’t be counted</span>;
  if (data === undefined) return <span className="waiting">counting …</span>;
  return data === null ? "deleted" : formatNumber(data);
}
