import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { formatCount } from "../ui/formats";
import { LongTable } from "../ui/LongTable";
import { PagedList } from "../ui/PagedList";
import { SearchField, useSearchText } from "../ui/SearchField";
import { useAnnouncement } from "../ui/Status";
import { useDebounced } from "../ui/useDebounced";
import { MemberColumnChoice } from "./MemberColumnChoice";
import { MemberRow } from "./MemberRow";
import { membersQuery } from "./memberQueries";
import type { ShownSegment } from "./queries";
import { memberCountQuery } from "./sizeQueries";
import { useMemberColumns } from "./useMemberColumns";

const NAME_COLUMN = { key: "name", name: "Name" };
const REASON_COLUMN = { key: "reason", name: "Reason" };

/** The members of the segment. The address holds what they are searched for. */
export function Members({ segment }: { segment: ShownSegment }) {
  const search = useDebounced(useSearchText()).trim();
  // A search does not tell when its members entered.
  const columns = useMemberColumns(segment.kind === "ACTIVE" && !search);
  const { shown, hasDetails } = columns;
  const query = useInfiniteQuery(membersQuery(segment.id, { search, hasDetails }));
  const { data: count } = useQuery({ ...memberCountQuery(segment.id), enabled: !search });
  const pages = query.data?.pages;
  const members = useMemo(() => pages?.flatMap((page) => page.members) ?? [], [pages]);
  const total = query.hasNextPage ? (search ? undefined : (count ?? undefined)) : members.length;
  const caption = describeTotal(total, members.length, search);
  useAnnouncement(search && query.isSuccess && !query.isPlaceholderData ? caption : null);

  return (
    <>
      <search className="toolbar">
        <SearchField label="Name, email, phone or source id" />
      </search>
      <MemberColumnChoice {...columns} />
      <PagedList
        query={query}
        isEmpty={members.length === 0}
        waiting="Loading members …"
        empty={search ? "No member is found." : "No customer is in this segment."}
      >
        <LongTable
          key={search}
          caption={caption}
          columns={[
            NAME_COLUMN,
            ...shown.map(({ path, name }) => ({ key: path, name })),
            REASON_COLUMN,
          ]}
          count={members.length}
          total={total}
          renderRow={(index) => {
            const member = members[index];
            if (!member) return null;
            const { id } = member.customer;
            const row = { member, segmentId: segment.id, index, columns: shown };
            return <MemberRow key={id} {...row} />;
          }}
          onNearEnd={() => {
            if (query.hasNextPage && !query.isFetching && !query.error) query.fetchNextPage();
          }}
        />
      </PagedList>
    </>
  );
}

function describeTotal(total: number | undefined, count: number, search: string): string {
  if (total === undefined) return `The first ${formatCount(count, "member")}`;
  return search ? `${formatCount(total, "member")} found` : formatCount(total, "member");
}
