import { useMutation } from "@tanstack/react-query";
import { useId, useState } from "react";
import { requestCreation } from "../api/creation";
import type { VariablesOf } from "../api/graphql";
import { requireNoUserErrors } from "../api/request";
import { useInvalidation } from "../api/useInvalidation";
import { ActionButton } from "../ui/ActionButton";
import { Problem } from "../ui/Problem";
import { announce } from "../ui/Status";
import { CreateRule } from "./operations";
import { membersOf, type RuleDraft, RuleFields } from "./RuleFields";

type Input = VariablesOf<typeof CreateRule>["input"];

const EMPTY: RuleDraft = { name: "", errorMessage: "", segment: null };

/** Makes a rule: the members of a segment may. */
export function RuleForm() {
  const [draft, setDraft] = useState(EMPTY);
  const heading = useId();
  const invalidate = useInvalidation();
  const creation = useMutation({
    mutationFn: async (input: Input) => {
      const { validationRuleCreate } = await requestCreation(CreateRule, { input });
      requireNoUserErrors(validationRuleCreate.userErrors);
    },
    onSuccess: (_, { name }) => {
      invalidate(["rules"], ["segment"]);
      announce(`The rule ${name} is created.`);
      setDraft(EMPTY);
    },
  });
  const { name, errorMessage, segment } = draft;
  return (
    <section aria-labelledby={heading}>
      <h2 id={heading}>New rule</h2>
      {creation.error && <Problem error={creation.error} />}
      <form
        className="toolbar"
        onSubmit={(event) => {
          event.preventDefault();
          if (!segment) return;
          const filter = membersOf(segment);
          creation.mutate({ name, errorMessage: errorMessage || null, filter });
        }}
      >
        <RuleFields draft={draft} onChange={setDraft} segmentLabel="Members of the segment" />
        <ActionButton
          type="submit"
          className="primary"
          disabled={!(name && segment)}
          isPending={creation.isPending}
        >
          Create the rule
        </ActionButton>
      </form>
    </section>
  );
}
