import { useMutation } from "@tanstack/react-query";
import { useId, useRef, useState } from "react";
import { flushSync } from "react-dom";
import { requestCreation } from "../api/creation";
import { ApiError, requireNoUserErrors } from "../api/request";
import { useInvalidation } from "../api/useInvalidation";
import { ActionButton } from "../ui/ActionButton";
import { Problem } from "../ui/Problem";
import { announce } from "../ui/Status";
import { CreateReferralProgram } from "./operations";
import type { ReferralProgramInput } from "./queries";
import { TierFields } from "./TierFields";
import { createTier, type TierDraft, toTierInput } from "./tierDraft";

/** Creates a referral program. It says before which segments become active. */
export function ProgramForm({ onCreated }: { onCreated: () => void }) {
  const [name, setName] = useState("");
  const [tiers, setTiers] = useState([createTier(0)]);
  const form = useRef<HTMLFormElement>(null);
  const addButton = useRef<HTMLButtonElement>(null);
  const heading = useId();
  const creation = useCreation(() => {
    announce(`The referral program ${name} is created.`);
    setName("");
    setTiers([createTier(0)]);
    onCreated();
  });

  /** Returns the first element in the fields of a tier that the selector finds. */
  const findIn = (index: number, selector: string) =>
    form.current?.querySelectorAll("fieldset")[index]?.querySelector<HTMLElement>(selector);

  function add() {
    const key = Math.max(...tiers.map((tier) => tier.key)) + 1;
    flushSync(() => setTiers([...tiers, createTier(key)]));
    findIn(tiers.length, "input")?.focus();
  }
  function change(key: number, fields: Partial<TierDraft>) {
    setTiers(tiers.map((tier) => (tier.key === key ? { ...tier, ...fields } : tier)));
  }
  function remove(index: number) {
    flushSync(() => setTiers(tiers.toSpliced(index, 1)));
    (findIn(index, "button") ?? addButton.current)?.focus();
  }
  return (
    <section aria-labelledby={heading}>
      <h2 id={heading}>New referral program</h2>
      {creation.error && <Problem error={creation.error} />}
      <form
        ref={form}
        onSubmit={(event) => {
          event.preventDefault();
          creation.mutate({ name, tiers: tiers.map(toTierInput) });
        }}
      >
        <div className="toolbar">
          <label>
            Name of the program
            <input required value={name} onChange={({ target }) => setName(target.value)} />
          </label>
        </div>
        {tiers.map((tier, index) => (
          <TierFields
            key={tier.key}
            number={index + 1}
            tier={tier}
            onChange={(fields) => change(tier.key, fields)}
            onRemove={tiers.length > 1 ? () => remove(index) : null}
          />
        ))}
        <p>
          <button type="button" ref={addButton} onClick={add}>
            Add a tier
          </button>
        </p>
        <p className="hint">A program can’t be changed afterwards, only deleted.</p>
        <ActionButton type="submit" className="primary" isPending={creation.isPending}>
          Create the program
        </ActionButton>
      </form>
    </section>
  );
}

function useCreation(onCreated: () => void) {
  const invalidate = useInvalidation();
  return useMutation({
    mutationFn: async (input: ReferralProgramInput) => {
      const { userErrors } = (await requestCreation(CreateReferralProgram, { input }))
        .referralProgramCreate;
      requireNoTierErrors(userErrors);
      requireNoUserErrors(userErrors);
    },
    onSuccess: () => {
      onCreated();
      invalidate(["referralPrograms"], ["codePools"], ["segment"], ["segments"]);
    },
  });
}

type UserErrors = Parameters<typeof requireNoUserErrors>[0];

/** Throws the first error with the number of its tier, if it is about a tier. */
function requireNoTierErrors([error]: UserErrors): void {
  const [, list, index] = error?.path ?? [];
  if (!error || list !== "tiers" || index === undefined) return;
  throw new ApiError(`Tier ${Number(index) + 1}: ${error.message}`, error.code, error.path);
}
