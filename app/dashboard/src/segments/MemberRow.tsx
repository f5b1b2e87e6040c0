import { memo } from "react";
import { CustomerLink } from "../customers/CustomerLink";
import { nameOf } from "../customers/nameOf";
import { WhyLink } from "../customers/WhyLink";
import type { MemberColumn } from "./memberColumns";
import type { Member } from "./memberQueries";

interface Props {
  member: Member;
  segmentId: string;
  index: number;
  columns: readonly MemberColumn[];
}

/** A row of a long table, whose heading is its first row. */
export const MemberRow = memo(function MemberRow(props: Props) {
  const { member, segmentId, index, columns } = props;
  return (
    <tr aria-rowindex={index + 2}>
      <th scope="row" title={nameOf(member.customer)}>
        <CustomerLink customer={member.customer} />
      </th>
      {columns.map(({ path, read }) => {
        const text = read(member) || "–";
        return (
          // A narrow column cuts it.
          <td key={path} title={text}>
            {text}
          </td>
        );
      })}
      <td>
        <WhyLink customer={member.customer} segmentId={segmentId} />
      </td>
    </tr>
  );
});
