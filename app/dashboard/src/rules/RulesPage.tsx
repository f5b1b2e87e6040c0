import { useMutation, useQuery } from "@tanstack/react-query";
import { useRef } from "react";
import { useCanWrite } from "../access/viewer";
import { request, requireNoUserErrors } from "../api/request";
import { useInvalidation } from "../api/useInvalidation";
import { formatCount } from "../ui/formats";
import { Problem } from "../ui/Problem";
import { Table } from "../ui/Table";
import { DeleteRule } from "./operations";
import { type Rule, rulesQuery } from "./queries";
import { RuleBench } from "./RuleBench";
import { RuleForm } from "./RuleForm";

/** The validation rules: who may use a campaign. */
export function RulesPage() {
  const { data: rules, error, refetch } = useQuery(rulesQuery);
  const canWrite = useCanWrite();
  const heading = useRef<HTMLHeadingElement>(null);
  const problem = error && <Problem error={error} onRetry={refetch} />;
  return (
    <>
      <title>Validation rules · Customer segments</title>
      <h1 tabIndex={-1} ref={heading}>
        Validation rules
      </h1>
      <p>
        A program asks whether a customer may use something, such as a discount. A rule says who
        may. It does not make a segment active.
      </p>
      {problem}
      {!rules && !problem && <p className="waiting">Loading the rules …</p>}
      {rules?.length === 0 && <p>There are no rules yet.</p>}
      {rules && rules.length > 0 && (
        <>
          <RuleTable rules={rules} onDeleted={() => heading.current?.focus()} />
          <RuleBench rules={rules} />
        </>
      )}
      {canWrite && rules && <RuleForm />}
    </>
  );
}

function RuleTable({ rules, onDeleted }: { rules: readonly Rule[]; onDeleted: () => void }) {
  const canWrite = useCanWrite();
  const invalidate = useInvalidation();
  const deletion = useMutation({
    mutationFn: async (id: string) =>
      requireNoUserErrors((await request(DeleteRule, { id })).validationRuleDelete.userErrors),
    onSuccess: () => {
      invalidate(["rules"], ["segment"]);
      // The button that had the focus is about to go.
      onDeleted();
    },
  });
  return (
    <>
      {deletion.error && <Problem error={deletion.error} />}
      <Table
        caption={formatCount(rules.length, "rule")}
        columns={["Name", "Message to others"]}
        hasActions={canWrite}
      >
        {rules.map(({ id, name, filterText, errorMessage }) => (
          <tr key={id}>
            <th scope="row">
              {name}
              <p className="sentence">{filterText}</p>
            </th>
            <td>{errorMessage ?? "–"}</td>
            {canWrite && (
              <td className="number">
                <button
                  type="button"
                  className="dangerous"
                  aria-label={`Delete ${name}`}
                  onClick={() => deletion.mutate(id)}
                >
                  Delete
                </button>
              </td>
            )}
          </tr>
        ))}
      </Table>
    </>
  );
}
