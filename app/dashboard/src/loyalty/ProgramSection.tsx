import { useMutation } from "@tanstack/react-query";
import { useId } from "react";
import { Link } from "wouter";
import { useCanWrite, useIsAdmin } from "../access/viewer";
import { request, requireNoUserErrors } from "../api/request";
import { useInvalidation } from "../api/useInvalidation";
import { routes } from "../routes";
import { ActionButton } from "../ui/ActionButton";
import { DeleteButton } from "../ui/DeleteButton";
import { formatCount } from "../ui/formats";
import { Problem } from "../ui/Problem";
import { Table } from "../ui/Table";
import { DeleteEarningRule, DeleteLoyaltyProgram, SetEarningRuleEnabled } from "./operations";
import type { EarningRule, LoyaltyProgram } from "./queries";
import { describePoints, describeState, stateOf } from "./ruleWords";

interface Props {
  program: LoyaltyProgram;
  /** Is called when the program or one of its rules is deleted. */
  onDeleted: () => void;
}

/** A loyalty program and its earning rules. */
export function ProgramSection({ program: { id, name, earningRules }, onDeleted }: Props) {
  const heading = useId();
  const isAdmin = useIsAdmin();
  return (
    <section aria-labelledby={heading}>
      <div className="toolbar">
        <h2 id={heading}>{name}</h2>
        {isAdmin && (
          <DeleteButton
            noun="program"
            id={id}
            name={name}
            uses={earningRules}
            mutation={DeleteLoyaltyProgram}
            affectedKeys={[["loyaltyPrograms"]]}
            onDeleted={onDeleted}
          >
            This can’t be undone. Customers keep their points.
          </DeleteButton>
        )}
      </div>
      {earningRules.length === 0 ? (
        <p>The program has no earning rules yet.</p>
      ) : (
        <RuleTable rules={earningRules} onDeleted={onDeleted} />
      )}
    </section>
  );
}

interface RuleTableProps {
  rules: readonly EarningRule[];
  onDeleted: () => void;
}

function RuleTable({ rules, onDeleted }: RuleTableProps) {
  const canWrite = useCanWrite();
  const invalidate = useInvalidation();
  const change = useMutation({
    mutationFn: async (variables: { id: string; enabled: boolean }) => {
      const { earningRuleSetEnabled } = await request(SetEarningRuleEnabled, variables);
      requireNoUserErrors(earningRuleSetEnabled.userErrors);
    },
    onSettled: () => invalidate(["loyaltyPrograms"]),
  });
  return (
    <>
      {change.error && <Problem error={change.error} />}
      <Table
        caption={formatCount(rules.length, "earning rule")}
        columns={["Name", "Segment", "State"]}
        hasActions={canWrite}
      >
        {rules.map((rule) => (
          <tr key={rule.id}>
            <th scope="row">
              {rule.name}
              <p className="sentence">{describePoints(rule)}</p>
            </th>
            <td>
              <Link href={routes.segment(rule.segment.id)}>{rule.segment.name}</Link>
            </td>
            <td>{describeState(rule)}</td>
            {canWrite && (
              <td>
                {["ACTIVE", "PAUSED"].includes(stateOf(rule)) && (
                  <ActionButton
                    aria-label={`${rule.enabled ? "Pause" : "Activate"} ${rule.name}`}
                    isPending={change.isPending}
                    onClick={() => change.mutate({ id: rule.id, enabled: !rule.enabled })}
                  >
                    {rule.enabled ? "Pause" : "Activate"}
                  </ActionButton>
                )}{" "}
                <DeleteButton
                  noun="rule"
                  id={rule.id}
                  name={rule.name}
                  mutation={DeleteEarningRule}
                  affectedKeys={[["loyaltyPrograms"], ["segment"]]}
                  onDeleted={onDeleted}
                >
                  This can’t be undone. Customers keep their points, and the segment stays active.
                </DeleteButton>
              </td>
            )}
          </tr>
        ))}
      </Table>
    </>
  );
}
