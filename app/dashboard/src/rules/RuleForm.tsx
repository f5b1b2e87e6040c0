import { useMutation } from "@tanstack/react-query";
import { useId, useState } from "react";
import { request, requireNoUserErrors } from "../api/request";
import { useInvalidation } from "../api/useInvalidation";
import type { FoundSegment } from "../editor/queries";
import { SegmentCombobox } from "../editor/SegmentCombobox";
import { ActionButton } from "../ui/ActionButton";
import { Problem } from "../ui/Problem";
import { announce } from "../ui/Status";
import { CreateRule } from "./operations";

/** Makes a rule: the members of a segment may. */
export function RuleForm() {
  const [name, setName] = useState("");
  const [errorMessage, setErrorMessage] = useState("");
  const [segment, setSegment] = useState<FoundSegment | null>(null);
  const heading = useId();
  const invalidate = useInvalidation();
  const creation = useMutation({
    mutationFn: async (segmentId: string) => {
      const { validationRuleCreate } = await request(CreateRule, {
        input: {
          name,
          errorMessage: errorMessage || null,
          filter: { segment: { id: segmentId } },
        },
      });
      requireNoUserErrors(validationRuleCreate.userErrors);
    },
    onSuccess: () => {
      invalidate(["rules"], ["segment"]);
      announce(`The rule ${name} is created.`);
      setName("");
      setErrorMessage("");
      setSegment(null);
    },
  });
  const canCreate = name && segment;
  return (
    <section aria-labelledby={heading}>
      <h2 id={heading}>New rule</h2>
      {creation.error && <Problem error={creation.error} />}
      <form
        className="toolbar"
        onSubmit={(event) => {
          event.preventDefault();
          if (canCreate) creation.mutate(segment.id);
        }}
      >
        <label>
          Name
          <input required value={name} onChange={({ target }) => setName(target.value)} />
        </label>
        <SegmentCombobox
          label="Members of the segment"
          isLabelShown
          value={segment?.name ?? ""}
          onChoose={setSegment}
        />
        <label>
          Message to others
          <input value={errorMessage} onChange={({ target }) => setErrorMessage(target.value)} />
        </label>
        <ActionButton
          type="submit"
          className="primary"
          disabled={!canCreate}
          isPending={creation.isPending}
        >
          Create the rule
        </ActionButton>
      </form>
    </section>
  );
}
