import { useCanWrite } from "../access/viewer";
import { DeleteButton } from "../ui/DeleteButton";
import { formatCount } from "../ui/formats";
import { Table } from "../ui/Table";
import { DeleteRule } from "./operations";
import type { Rule } from "./queries";

interface Props {
  rules: readonly Rule[];
  onEdit: (rule: Rule) => void;
  /** Is called when a rule is deleted, with the button that had the focus. */
  onDeleted: () => void;
}

/** The rules, with buttons that edit and delete them. */
export function RuleTable({ rules, onEdit, onDeleted }: Props) {
  const canWrite = useCanWrite();
  return (
    <Table
      caption={formatCount(rules.length, "rule")}
      columns={["Name", "Message when refused"]}
      hasActions={canWrite}
    >
      {rules.map((rule) => (
        <tr key={rule.id}>
          <th scope="row">
            {rule.name}
            <p className="sentence">{rule.filterText}</p>
          </th>
          <td>{rule.errorMessage ?? "–"}</td>
          {canWrite && (
            <td className="number">
              <button type="button" aria-label={`Edit ${rule.name}`} onClick={() => onEdit(rule)}>
                Edit
              </button>{" "}
              <DeleteButton
                noun="rule"
                id={rule.id}
                name={rule.name}
                mutation={DeleteRule}
                affectedKeys={[["rules"], ["segment"]]}
                onDeleted={onDeleted}
              >
                This can’t be undone. A program that asks for this rule then gets an error.
              </DeleteButton>
            </td>
          )}
        </tr>
      ))}
    </Table>
  );
}
