import { useMutation } from "@tanstack/react-query";
import { useEffect, useId, useRef, useState } from "react";
import type { VariablesOf } from "../api/graphql";
import { request, requireNoUserErrors } from "../api/request";
import { useInvalidation } from "../api/useInvalidation";
import { ActionButton } from "../ui/ActionButton";
import { Problem } from "../ui/Problem";
import { announce } from "../ui/Status";
import { UpdateRule } from "./operations";
import type { Rule } from "./queries";
import { membersOf, type RuleDraft, RuleFields } from "./RuleFields";

type UpdateInput = VariablesOf<typeof UpdateRule>["input"];

interface Props {
  rule: Rule;
  /** Is called when it is saved or given up, with the button that had the focus. */
  onClose: () => void;
}

/** Edits a rule. Without another segment, it keeps its filter, which may be any. */
export function EditRuleForm({ rule, onClose }: Props) {
  const [draft, setDraft] = useState<RuleDraft>({
    name: rule.name,
    errorMessage: rule.errorMessage ?? "",
    segment: null,
  });
  const headingId = useId();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const invalidate = useInvalidation();
  const update = useMutation({
    mutationFn: async (input: UpdateInput) => {
      const { validationRuleUpdate } = await request(UpdateRule, { id: rule.id, input });
      requireNoUserErrors(validationRuleUpdate.userErrors);
    },
    onSuccess: () => {
      announce(`The rule ${draft.name} is saved.`);
      onClose();
    },
    onSettled: () => {
      invalidate(["rules"], ["validation", rule.id], ["segment"]);
    },
  });

  /** Returns the fields that are changed here, so that the others stay as somebody else sets them. */
  function toInput(): UpdateInput {
    const { name, segment } = draft;
    const errorMessage = draft.errorMessage || null;
    return {
      ...(name !== rule.name && { name }),
      ...(errorMessage !== rule.errorMessage && { errorMessage }),
      ...(segment && { filter: membersOf(segment) }),
    };
  }
  return (
    <section aria-labelledby={headingId}>
      <h2 id={headingId} tabIndex={-1} ref={heading}>
        Edit “{rule.name}”
      </h2>
      {update.error && <Problem error={update.error} />}
      <p className="sentence">Now: {rule.filterText}</p>
      <form
        className="toolbar"
        onSubmit={(event) => {
          event.preventDefault();
          update.mutate(toInput());
        }}
      >
        <RuleFields draft={draft} onChange={setDraft} segmentLabel="Members of another segment" />
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <ActionButton type="submit" className="primary" isPending={update.isPending}>
          Save the rule
        </ActionButton>
      </form>
    </section>
  );
}
