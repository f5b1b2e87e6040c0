import type { ShownSegment } from "../segments/queries";
import { UseName } from "../segments/Uses";
import { USE_NAMES } from "../segments/words";

/** What uses a segment, with links. */
export function UseNames({ uses }: { uses: ShownSegment["usedBy"] }) {
  return (
    <ul>
      {uses.map((use) => (
        <li key={use.id}>
          {USE_NAMES[use.kind]} “<UseName use={use} />”
        </li>
      ))}
    </ul>
  );
}
