import "./referrals.css";
import { useQuery } from "@tanstack/react-query";
import { PoolSelect } from "../codes/PoolSelect";
import { SegmentCombobox } from "../editor/SegmentCombobox";
import { ProgramSelect } from "../loyalty/ProgramSelect";
import { loyaltyProgramsQuery } from "../loyalty/queries";
import { ActivationNotice } from "../segments/ActivationNotice";
import { NumberInput } from "../ui/NumberInput";
import type { TierDraft } from "./tierDraft";

interface Props {
  /** The number of the tier in the form, from 1. */
  number: number;
  tier: TierDraft;
  onChange: (fields: Partial<TierDraft>) => void;
  /** Removes the tier; null for the only one. */
  onRemove: (() => void) | null;
}

/** The fields of one tier: how many referrals it needs, the reward, and for whom it is. */
export function TierFields({ number, tier, onChange, onRemove }: Props) {
  return (
    <fieldset className="tier">
      <legend>Tier {number}</legend>
      <div className="toolbar">
        <label>
          Name of tier {number}
          <input
            required
            value={tier.name}
            onChange={({ target }) => onChange({ name: target.value })}
          />
        </label>
        <NumberInput
          label="Referrals"
          required
          min={1}
          value={tier.minReferrals}
          onChange={(minReferrals) => onChange({ minReferrals })}
        />
        <label>
          Reward
          <select
            value={tier.reward}
            onChange={({ target }) => onChange({ reward: target.value as TierDraft["reward"] })}
          >
            <option value="points">Points</option>
            <option value="code">A code</option>
          </select>
        </label>
        <RewardFields tier={tier} onChange={onChange} />
        <SegmentCombobox
          label="Only for members of"
          isLabelShown
          value={tier.segment?.name ?? ""}
          onChoose={(segment) => onChange({ segment })}
        />
        {tier.segment && (
          <button type="button" onClick={() => onChange({ segment: null })}>
            For all customers
          </button>
        )}
        {onRemove && (
          <button type="button" aria-label={`Remove tier ${number}`} onClick={onRemove}>
            Remove
          </button>
        )}
      </div>
      <ActivationNotice segment={tier.segment} />
    </fieldset>
  );
}

function RewardFields({ tier, onChange }: Pick<Props, "tier" | "onChange">) {
  const { data: programs = [] } = useQuery(loyaltyProgramsQuery);
  if (tier.reward === "code") {
    return (
      <PoolSelect
        label="Code pool"
        required
        value={tier.poolId}
        onChange={(poolId) => onChange({ poolId })}
      />
    );
  }
  return (
    <>
      <NumberInput
        label="Points"
        required
        min={1}
        value={tier.points}
        onChange={(points) => onChange({ points })}
      />
      <ProgramSelect
        label="Loyalty program"
        programs={programs}
        value={tier.programId}
        onChange={(programId) => onChange({ programId })}
      />
    </>
  );
}
