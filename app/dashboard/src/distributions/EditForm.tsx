import { useMutation } from "@tanstack/react-query";
import { useId, useState } from "react";
import type { VariablesOf } from "../api/graphql";
import { request, requireNoUserErrors } from "../api/request";
import { useInvalidation } from "../api/useInvalidation";
import { ActionButton } from "../ui/ActionButton";
import { Problem } from "../ui/Problem";
import { ChannelFields, type ChannelText, toChannelInput } from "./ChannelFields";
import { CodeFields, type CodeText, toCodeInput } from "./CodeFields";
import { UpdateDistribution } from "./operations";
import type { ShownDistribution } from "./queries";

type UpdateInput = VariablesOf<typeof UpdateDistribution>["input"];

interface Props {
  distribution: ShownDistribution;
  /** Is called with the secret of a new webhook, which is shown only once. */
  onSaved: (secret: string | null) => void;
  onCancel: () => void;
}

/** Edits a distribution. A later poll of the distribution changes neither what is typed nor what is sent. */
export function EditForm({ distribution: current, onSaved, onCancel }: Props) {
  const [distribution] = useState(current);
  const [name, setName] = useState(distribution.name);
  const [codes, setCodes] = useState(() => toCodeText(distribution));
  const [channel, setChannel] = useState<ChannelText | null>(null);
  const heading = useId();
  const update = useUpdate(distribution.id, onSaved);
  const { headerNames = [] } = distribution.channel.webhook ?? {};

  /** Returns the fields that are changed here, so that the others stay as somebody else sets them. */
  function toInput(): UpdateInput {
    const { codePoolId, maxPerCustomer } = toCodeInput(codes);
    return {
      ...(name !== distribution.name && { name }),
      ...(channel && { channel: toChannelInput(channel) }),
      ...(codePoolId !== (distribution.codePool?.id ?? null) && { codePoolId }),
      ...(maxPerCustomer !== distribution.maxPerCustomer && { maxPerCustomer }),
    };
  }
  return (
    <section aria-labelledby={heading}>
      <h2 id={heading}>Edit the distribution</h2>
      {update.error && <Problem error={update.error} />}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          update.mutate(toInput);
        }}
      >
        <div className="toolbar">
          <label>
            Name
            <input
              required
              // biome-ignore lint/a11y/noAutofocus: the user has just opened the form.
              autoFocus
              value={name}
              onChange={({ target }) => setName(target.value)}
            />
          </label>
          <CodeFields codes={codes} onChange={setCodes} />
        </div>
        <p>
          <label className="inline">
            <input
              type="checkbox"
              checked={channel !== null}
              onChange={({ target }) =>
                setChannel(target.checked ? toChannelText(distribution) : null)
              }
            />
            Change how it is sent, from now on
          </label>
        </p>
        {channel && headerNames.length > 0 && (
          <p className="notice">
            Type the headers again, or they are removed: {headerNames.join(", ")}. The server never
            shows their values.
          </p>
        )}
        {channel && (
          <div className="toolbar">
            <ChannelFields channel={channel} onChange={setChannel} />
          </div>
        )}
        <div className="toolbar">
          <button type="button" onClick={onCancel}>
            Cancel
          </button>
          <ActionButton type="submit" className="primary" isPending={update.isPending}>
            Save
          </ActionButton>
        </div>
      </form>
    </section>
  );
}

const toCodeText = ({ codePool, maxPerCustomer }: ShownDistribution): CodeText => ({
  poolId: codePool?.id ?? "",
  maxPerCustomer: maxPerCustomer?.toString() ?? "",
});

const toChannelText = ({ channel: { webhook, email } }: ShownDistribution): ChannelText => ({
  kind: email ? "email" : "webhook",
  url: webhook?.url ?? "",
  headers: "",
  subject: email?.subject ?? "",
  body: email?.body ?? "",
});

function useUpdate(id: string, onSaved: Props["onSaved"]) {
  const invalidate = useInvalidation();
  return useMutation({
    mutationFn: async (toInput: () => UpdateInput) => {
      const { distributionUpdate } = await request(UpdateDistribution, { id, input: toInput() });
      requireNoUserErrors(distributionUpdate.userErrors);
      return distributionUpdate.secret;
    },
    onSuccess: (secret) => {
      invalidate(["distribution", id], ["distributions"], ["codePools"]);
      onSaved(secret);
    },
  });
}
