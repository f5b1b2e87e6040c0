import { useQuery } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { useCanWrite } from "../access/viewer";
import { Problem } from "../ui/Problem";
import { EditRuleForm } from "./EditRuleForm";
import { type Rule, rulesQuery } from "./queries";
import { RuleBench } from "./RuleBench";
import { RuleForm } from "./RuleForm";
import { RuleTable } from "./RuleTable";

/** The validation rules: who may use a campaign. */
export function RulesPage() {
  const { data: rules, error, refetch } = useQuery(rulesQuery);
  const [editedRule, setEditedRule] = useState<Rule | null>(null);
  const canWrite = useCanWrite();
  const heading = useRef<HTMLHeadingElement>(null);
  const problem = error && <Problem error={error} onRetry={refetch} />;

  function closeForm() {
    setEditedRule(null);
    heading.current?.focus();
  }
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
          <RuleTable rules={rules} onEdit={setEditedRule} onDeleted={closeForm} />
          {editedRule && <EditRuleForm key={editedRule.id} rule={editedRule} onClose={closeForm} />}
          <RuleBench rules={rules} />
        </>
      )}
      {canWrite && rules && <RuleForm />}
    </>
  );
}
