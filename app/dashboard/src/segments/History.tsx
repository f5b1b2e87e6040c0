import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useSearchParams } from "wouter";
import { formatCount, formatInstant, formatNumber } from "../ui/formats";
import { LineChart } from "../ui/LineChart";
import { Problem } from "../ui/Problem";
import { Table } from "../ui/Table";
import type { ShownSegment } from "./queries";
import { type SizeHistory, sizeHistoryQuery } from "./sizeQueries";
import { type Size, splitAtGaps } from "./sizes";

const PERIODS = { 7: "7 days", 30: "30 days", 90: "90 days", 1095: "3 years" };
const DEFAULT_DAYS = 30;

/** The sizes of the segment over time. The address holds the number of days. */
export function History({ segment }: { segment: ShownSegment }) {
  const [parameters, setParameters] = useSearchParams();
  const days = readDays(parameters.get("days"));
  const { data, error, refetch, isPlaceholderData } = useQuery(sizeHistoryQuery(segment.id, days));
  return (
    <>
      <div className="toolbar">
        <label>
          Time
          <select
            value={days}
            onChange={({ target }) => setParameters({ days: target.value }, { replace: true })}
          >
            {Object.entries(PERIODS).map(([value, name]) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
          </select>
        </label>
      </div>
      {error && <Problem error={error} onRetry={refetch} />}
      {!data && !error && <p className="waiting">Loading sizes …</p>}
      {data && (
        <div aria-busy={isPlaceholderData}>
          <Sizes key={data.days} history={data} />
        </div>
      )}
    </>
  );
}

function Sizes({ history: { start, end, sizes } }: { history: SizeHistory }) {
  const [first] = sizes;
  const last = sizes.at(-1);
  if (!first || !last) {
    return <p>No size is known of this time. Workers count the members, usually every hour.</p>;
  }
  const most = sizes.reduce((best, size) => (size.memberCount > best.memberCount ? size : best));
  const lines = splitAtGaps(sizes, end).map((line) =>
    line.map(({ at, memberCount }) => ({ time: Date.parse(at), value: memberCount })),
  );
  return (
    <>
      <p>
        {sizes.length === 1
          ? `One count is known so far: ${describe(first)}.`
          : `First ${describe(first)}. Last ${describe(last)}. Most ${describe(most)}.`}
        {lines.length > 1 && " Where the line is broken, no worker ran to count the members."}
      </p>
      <LineChart
        label="Members over time. Arrow keys walk the points."
        lines={lines}
        start={start}
        end={end}
        describe={({ time, value }) =>
          `${formatInstant(new Date(time).toISOString())}: ${formatCount(value, "member")}`
        }
      />
      <SizeTable sizes={sizes} />
    </>
  );
}

/** The sizes as a table, which is rendered when it is opened. */
function SizeTable({ sizes }: { sizes: readonly Size[] }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>As a table</summary>
      {isOpen && (
        <Table
          caption={`${formatCount(sizes.length, "size")}, the newest first`}
          columns={["Time", "Members"]}
        >
          {sizes.toReversed().map(({ at, memberCount }) => (
            <tr key={at}>
              <th scope="row">{formatInstant(at)}</th>
              <td>{formatNumber(memberCount)}</td>
            </tr>
          ))}
        </Table>
      )}
    </details>
  );
}

const describe = ({ at, memberCount }: Size) =>
  `${formatCount(memberCount, "member")} (${formatInstant(at)})`;

function readDays(text: string | null): number {
  return text && Object.hasOwn(PERIODS, text) ? Number(text) : DEFAULT_DAYS;
}
