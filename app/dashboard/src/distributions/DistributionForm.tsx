import { useMutation } from "@tanstack/react-query";
import { useId, useState } from "react";
import { requestCreation } from "../api/creation";
import { requireNoUserErrors } from "../api/request";
import { useInvalidation } from "../api/useInvalidation";
import type { FoundSegment } from "../editor/queries";
import { SegmentCombobox } from "../editor/SegmentCombobox";
import { ActivationNotice } from "../segments/ActivationNotice";
import type { TransitionType } from "../segments/words";
import { ActionButton } from "../ui/ActionButton";
import { Problem } from "../ui/Problem";
import { announce } from "../ui/Status";
import { ChannelFields, type ChannelText, toChannelInput } from "./ChannelFields";
import { CodeFields, type CodeText, toCodeInput } from "./CodeFields";
import { CreateDistribution } from "./operations";
import type { DistributionInput } from "./queries";
import { SecretNotice } from "./SecretNotice";

const EMPTY_CHANNEL: ChannelText = {
  kind: "webhook",
  url: "",
  headers: "",
  subject: "",
  body: "",
};
const NO_CODES: CodeText = { poolId: "", maxPerCustomer: "" };

/** Makes a distribution. It says before that the segment becomes active. */
export function DistributionForm() {
  const [name, setName] = useState("");
  const [segment, setSegment] = useState<FoundSegment | null>(null);
  const [on, setOn] = useState<TransitionType>("ENTERED");
  const [channel, setChannel] = useState(EMPTY_CHANNEL);
  const [codes, setCodes] = useState(NO_CODES);
  const [includesMembers, setIncludesMembers] = useState(false);
  const heading = useId();
  const creation = useCreation(() => {
    announce(`The distribution ${name} is created.`);
    setName("");
    setSegment(null);
    setOn("ENTERED");
    setChannel({ ...EMPTY_CHANNEL, kind: channel.kind });
    setCodes(NO_CODES);
    setIncludesMembers(false);
  });

  const create = (segmentId: string) =>
    creation.mutate(() => ({
      name,
      segmentId,
      on,
      channel: toChannelInput(channel),
      ...toCodeInput(codes),
      includeCurrentMembers: includesMembers,
    }));
  return (
    <section aria-labelledby={heading}>
      <h2 id={heading}>New distribution</h2>
      {creation.error && <Problem error={creation.error} />}
      {creation.data && <SecretNotice key={creation.data.secret} {...creation.data} />}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (segment) create(segment.id);
        }}
      >
        <div className="toolbar">
          <label>
            Name
            <input required value={name} onChange={({ target }) => setName(target.value)} />
          </label>
          <SegmentCombobox
            label="Segment"
            isLabelShown
            value={segment?.name ?? ""}
            onChoose={setSegment}
          />
          <label>
            When a customer
            <select value={on} onChange={({ target }) => setOn(target.value as TransitionType)}>
              <option value="ENTERED">enters</option>
              <option value="LEFT">leaves</option>
            </select>
          </label>
          <ChannelFields channel={channel} onChange={setChannel} />
          <CodeFields codes={codes} onChange={setCodes} />
        </div>
        <p>
          <label className="inline">
            <input
              type="checkbox"
              checked={includesMembers}
              onChange={({ target }) => setIncludesMembers(target.checked)}
            />
            Send it to the present members of the segment, too
          </label>
        </p>
        <ActivationNotice segment={segment} />
        <ActionButton
          type="submit"
          className="primary"
          disabled={!segment}
          isPending={creation.isPending}
        >
          Create the distribution
        </ActionButton>
      </form>
    </section>
  );
}

/**
 * Creates a distribution; returns its name and the secret of its webhook, null for an email. The
 * function that makes the input may throw an error.
 */
function useCreation(onCreated: () => void) {
  const invalidate = useInvalidation();
  return useMutation({
    mutationFn: async (toInput: () => DistributionInput) => {
      const variables = { input: toInput() };
      const { distributionCreate } = await requestCreation(CreateDistribution, variables);
      requireNoUserErrors(distributionCreate.userErrors);
      const { secret } = distributionCreate;
      return secret ? { name: variables.input.name, secret } : null;
    },
    onSuccess: () => {
      onCreated();
      invalidate(["distributions"], ["codePools"], ["segment"], ["segments"]);
    },
  });
}
