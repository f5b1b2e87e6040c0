import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useId, useState } from "react";
import { request, requireNoUserErrors } from "../api/request";
import type { FoundSegment } from "../editor/queries";
import { SegmentCombobox } from "../editor/SegmentCombobox";
import type { TransitionType } from "../segments/words";
import { ActionButton } from "../ui/ActionButton";
import { Problem } from "../ui/Problem";
import { announce } from "../ui/Status";
import { ChannelFields, type ChannelText, toChannelInput } from "./ChannelFields";
import { CreateDistribution } from "./operations";
import type { DistributionInput } from "./queries";

const EMPTY_CHANNEL: ChannelText = { kind: "webhook", url: "", subject: "", body: "" };

/** Makes a distribution. It says before that the segment becomes active. */
export function DistributionForm() {
  const [name, setName] = useState("");
  const [segment, setSegment] = useState<FoundSegment | null>(null);
  const [on, setOn] = useState<TransitionType>("ENTERED");
  const [channel, setChannel] = useState(EMPTY_CHANNEL);
  const [includesMembers, setIncludesMembers] = useState(false);
  const heading = useId();
  const creation = useCreation(() => {
    announce(`The distribution ${name} is created.`);
    setName("");
    setSegment(null);
    setOn("ENTERED");
    setChannel({ ...EMPTY_CHANNEL, kind: channel.kind });
    setIncludesMembers(false);
  });

  function create(segmentId: string) {
    const input = { name, segmentId, on, channel: toChannelInput(channel) };
    creation.mutate({ ...input, includeCurrentMembers: includesMembers });
  }
  return (
    <section aria-labelledby={heading}>
      <h2 id={heading}>New distribution</h2>
      {creation.error && <Problem error={creation.error} />}
      {creation.data && (
        <p className="notice">
          The secret of its signatures, shown only now: <code>{creation.data}</code>
        </p>
      )}
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
        </div>
        <p>
          <label className="inline">
            <input
              type="checkbox"
              checked={includesMembers}
              onChange={({ target }) => setIncludesMembers(target.checked)}
            />
            Customers who are in the segment now get it too
          </label>
        </p>
        {segment?.kind === "PASSIVE" && (
          <p className="notice">
            This makes “{segment.name}” active for good: its filter can’t be edited then.
          </p>
        )}
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

/** Creates a distribution; returns the secret of its webhook, null for an email. */
function useCreation(onCreated: () => void) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: async (input: DistributionInput) => {
      const { distributionCreate } = await request(CreateDistribution, { input });
      requireNoUserErrors(distributionCreate.userErrors);
      return distributionCreate.secret;
    },
    onSuccess: () => {
      onCreated();
      queryClient.invalidateQueries({ queryKey: ["distributions"] });
      queryClient.invalidateQueries({ queryKey: ["segment"] });
      queryClient.invalidateQueries({ queryKey: ["segments"] });
    },
  });
}
