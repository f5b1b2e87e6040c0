import { formatCount } from "../ui/formats";
import type { ShownSegment } from "./queries";
import { USE_NAMES } from "./words";

/** What uses the segment. */
export function Uses({ segment }: { segment: ShownSegment }) {
  if (segment.usedBy.length === 0) return <p>Nothing uses this segment.</p>;
  return (
    <div className="table-box">
      <table>
        <caption>{formatCount(segment.usedBy.length, "use")}</caption>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">What it is</th>
          </tr>
        </thead>
        <tbody>
          {segment.usedBy.map((use) => (
            <tr key={use.id}>
              <th scope="row">{use.name}</th>
              <td>{USE_NAMES[use.kind]}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
