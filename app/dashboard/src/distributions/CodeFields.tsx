import { PoolSelect } from "../codes/PoolSelect";
import { NumberInput } from "../ui/NumberInput";

/** What of the codes and the maximum is in a form; empty texts mean none. */
export interface CodeText {
  poolId: string;
  maxPerCustomer: string;
}

export const toCodeInput = ({ poolId, maxPerCustomer }: CodeText) => ({
  codePoolId: poolId || null,
  maxPerCustomer: maxPerCustomer ? Number(maxPerCustomer) : null,
});

interface Props {
  codes: CodeText;
  onChange: (codes: CodeText) => void;
}

/** The pool whose codes are sent along, and how many deliveries a customer gets. */
export function CodeFields({ codes, onChange }: Props) {
  return (
    <>
      <PoolSelect
        label="With a code of"
        value={codes.poolId}
        onChange={(poolId) => onChange({ ...codes, poolId })}
      />
      <NumberInput
        label="Limit per customer"
        min={1}
        placeholder="no limit"
        value={codes.maxPerCustomer}
        onChange={(maxPerCustomer) => onChange({ ...codes, maxPerCustomer })}
      />
    </>
  );
}
