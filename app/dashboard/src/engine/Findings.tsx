import { Table } from "../ui/Table";
import type { EngineStatus } from "./queries";

const COLUMNS = ["Result", "Subject", "State", "Remedy"];

/** What each check found. Those that need a remedy come first. */
export function Findings({ findings }: { findings: EngineStatus["findings"] }) {
  const urgentFirst = findings.toSorted((a, b) => Number(!a.remedy) - Number(!b.remedy));
  return (
    <Table caption="The checks of segments doctor" columns={COLUMNS}>
      {urgentFirst.map(({ subject, state, remedy }) => (
        <tr key={subject}>
          <td className={`unbroken ${remedy ? "fails" : "holds"}`}>{remedy ? "✗ Fix" : "✓ OK"}</td>
          <th scope="row">{subject}</th>
          <td>{state}</td>
          <td>{remedy ?? "–"}</td>
        </tr>
      ))}
    </Table>
  );
}
