import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";
import { useIsAdmin } from "../access/viewer";
import { request, requireNoUserErrors } from "../api/request";
import { useInvalidation } from "../api/useInvalidation";
import { routes } from "../routes";
import { ActionButton } from "../ui/ActionButton";
import { DeleteButton } from "../ui/DeleteButton";
import { Problem } from "../ui/Problem";
import { EditForm } from "./EditForm";
import { DeleteDistribution, RotateDistributionSecret, SetDistributionState } from "./operations";
import type { ShownDistribution } from "./queries";
import { SecretNotice } from "./SecretNotice";
import { STATE_NAMES } from "./words";

interface Props {
  distribution: ShownDistribution;
  /** Is called when the form of changes is closed, with the button that had the focus. */
  onEdited: () => void;
}

/** The state of a distribution, and what an administrator may do with it. */
export function Tools({ distribution, onEdited }: Props) {
  const { id, state, pausedBecause, channel } = distribution;
  const [isEditing, setEditing] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  const isAdmin = useIsAdmin();
  const change = useStateChange(distribution);
  const rotation = useMutation({
    mutationFn: async () => {
      const { distributionRotateSecret } = await request(RotateDistributionSecret, { id });
      requireNoUserErrors(distributionRotateSecret.userErrors);
      return distributionRotateSecret.secret;
    },
    onSuccess: setSecret,
  });
  const error = change.error ?? rotation.error;

  function closeForm(newSecret: string | null) {
    if (newSecret) setSecret(newSecret);
    setEditing(false);
    onEdited();
  }
  return (
    <>
      {error && <Problem error={error} />}
      {pausedBecause && <p className="notice">Paused: {pausedBecause}</p>}
      <div className="toolbar">
        <span>{STATE_NAMES[state]}</span>
        {isAdmin && (
          <>
            <ActionButton isPending={change.isPending} onClick={() => change.mutate()}>
              {state === "LIVE" ? "Pause" : "Set live"}
            </ActionButton>
            <button type="button" aria-expanded={isEditing} onClick={() => setEditing(!isEditing)}>
              Edit
            </button>
            {channel.webhook && (
              <ActionButton isPending={rotation.isPending} onClick={() => rotation.mutate()}>
                New secret
              </ActionButton>
            )}
            <DeleteDistributionButton distribution={distribution} />
          </>
        )}
      </div>
      {secret && <SecretNotice key={secret} name={distribution.name} secret={secret} />}
      {rotation.data && (
        <p className="hint">For 24 hours each webhook is signed with the old secret, too.</p>
      )}
      {isEditing && (
        <EditForm
          distribution={distribution}
          onSaved={closeForm}
          onCancel={() => closeForm(null)}
        />
      )}
    </>
  );
}

function useStateChange({ id, state }: ShownDistribution) {
  const invalidate = useInvalidation();
  const next = state === "LIVE" ? "PAUSED" : "LIVE";
  return useMutation({
    mutationFn: async () => {
      const { distributionSetState } = await request(SetDistributionState, { id, state: next });
      requireNoUserErrors(distributionSetState.userErrors);
    },
    onSettled: () => {
      invalidate(["distribution", id], ["distributions"]);
    },
  });
}

function DeleteDistributionButton({ distribution: { id, name } }: Pick<Props, "distribution">) {
  const [, navigate] = useLocation();
  return (
    <DeleteButton
      noun="distribution"
      id={id}
      name={name}
      mutation={DeleteDistribution}
      affectedKeys={[["distributions"], ["codePools"], ["segment"], ["segments"]]}
      onDeleted={() => navigate(routes.distributions)}
    >
      This can’t be undone. Deliveries that wait are not sent, and the segment stays active.
    </DeleteButton>
  );
}
