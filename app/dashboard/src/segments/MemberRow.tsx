import { memo } from "react";
import { CustomerLink } from "../customers/CustomerLink";
import type { MemberColumn } from "./memberColumns";
import type { Member } from "./memberQueries";

interface Props {
  member: Member;
  index: number;
  columns: readonly MemberColumn[];
}

/** A row of a long table, whose heading is its first row. */
export const MemberRow = memo(function MemberRow({ member, index, columns }: Props) {
  return (
    <tr aria-rowindex={index + 2}>
      <th scope="row">
        <CustomerLink customer={member.customer} />
      </th>
      {columns.map(({ path, read }) => (
        <td key={path}>{read(member) || "–"}</td>
      ))}
    </tr>
  );
});
