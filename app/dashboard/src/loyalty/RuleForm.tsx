import { useMutation } from "@tanstack/react-query";
import { useId, useState } from "react";
import { requestCreation } from "../api/creation";
import type { VariablesOf } from "../api/graphql";
import { requireNoUserErrors } from "../api/request";
import { useInvalidation } from "../api/useInvalidation";
import type { FoundSegment } from "../editor/queries";
import { SegmentCombobox } from "../editor/SegmentCombobox";
import { LAST_TIME } from "../filter/localTime";
import { ActivationNotice } from "../segments/ActivationNotice";
import { ActionButton } from "../ui/ActionButton";
import { NumberInput } from "../ui/NumberInput";
import { Problem } from "../ui/Problem";
import { announce } from "../ui/Status";
import { CreateEarningRule } from "./operations";
import { EMPTY_POINTS, PointsFields, toPointsInput } from "./PointsFields";
import { ProgramSelect } from "./ProgramSelect";
import type { LoyaltyProgram } from "./queries";

type RuleInput = VariablesOf<typeof CreateEarningRule>["input"];

const EMPTY_RULE = {
  name: "",
  segment: null as FoundSegment | null,
  points: EMPTY_POINTS,
  activeFrom: "",
  activeUntil: "",
  maxPerCustomer: "",
};

/** Creates an earning rule. It says before that the segment becomes active. */
export function RuleForm({ programs }: { programs: readonly LoyaltyProgram[] }) {
  const [chosenId, setChosenId] = useState("");
  const [rule, setRule] = useState(EMPTY_RULE);
  const change = (fields: Partial<typeof rule>) => setRule({ ...rule, ...fields });
  const heading = useId();
  const { segment } = rule;
  const programId = programs.some(({ id }) => id === chosenId) ? chosenId : programs[0]?.id;
  const creation = useCreation(() => {
    announce(`The earning rule ${rule.name} is created.`);
    setRule(EMPTY_RULE);
  });

  function create(program: string, segmentId: string) {
    const { name, points, activeFrom, activeUntil, maxPerCustomer } = rule;
    creation.mutate({
      programId: program,
      name,
      segmentId,
      points: toPointsInput(points),
      ...(activeFrom && { activeFrom: toInstant(activeFrom) }),
      ...(activeUntil && { activeUntil: toInstant(activeUntil) }),
      ...(maxPerCustomer && { maxPerCustomer: Number(maxPerCustomer) }),
    });
  }
  return (
    <section aria-labelledby={heading}>
      <h2 id={heading}>New earning rule</h2>
      {creation.error && <Problem error={creation.error} />}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (programId && segment) create(programId, segment.id);
        }}
      >
        <div className="toolbar">
          <label>
            Name of the rule
            <input
              required
              value={rule.name}
              onChange={({ target }) => change({ name: target.value })}
            />
          </label>
          <ProgramSelect
            label="Program of the rule"
            programs={programs}
            value={programId ?? ""}
            onChange={setChosenId}
          />
          <SegmentCombobox
            label="When a customer enters"
            isLabelShown
            value={segment?.name ?? ""}
            onChoose={(chosen) => change({ segment: chosen })}
          />
          <PointsFields points={rule.points} onChange={(points) => change({ points })} />
        </div>
        <div className="toolbar">
          <label>
            From (empty: from now on)
            <input
              type="datetime-local"
              max={LAST_TIME}
              value={rule.activeFrom}
              onChange={({ target }) => change({ activeFrom: target.value })}
            />
          </label>
          <label>
            Until (empty: without end)
            <input
              type="datetime-local"
              max={LAST_TIME}
              value={rule.activeUntil}
              onChange={({ target }) => change({ activeUntil: target.value })}
            />
          </label>
          <NumberInput
            label="Limit per customer"
            min={1}
            placeholder="no limit"
            value={rule.maxPerCustomer}
            onChange={(maxPerCustomer) => change({ maxPerCustomer })}
          />
        </div>
        <ActivationNotice segment={segment} />
        <ActionButton
          type="submit"
          className="primary"
          disabled={!segment}
          isPending={creation.isPending}
        >
          Create the rule
        </ActionButton>
      </form>
    </section>
  );
}

/** Converts the text of a field, which is in the time zone of the browser. */
const toInstant = (text: string) => new Date(text).toISOString();

function useCreation(onCreated: () => void) {
  const invalidate = useInvalidation();
  return useMutation({
    mutationFn: async (input: RuleInput) => {
      const { earningRuleCreate } = await requestCreation(CreateEarningRule, { input });
      requireNoUserErrors(earningRuleCreate.userErrors);
    },
    onSuccess: () => {
      onCreated();
      invalidate(["loyaltyPrograms"], ["segment"], ["segments"]);
    },
  });
}
