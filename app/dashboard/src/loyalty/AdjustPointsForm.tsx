import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { createIdempotencyKey } from "../api/creation";
import { request, requireNoUserErrors } from "../api/request";
import { useInvalidation } from "../api/useInvalidation";
import { ActionButton } from "../ui/ActionButton";
import { formatSigned } from "../ui/formats";
import { NumberInput } from "../ui/NumberInput";
import { Problem } from "../ui/Problem";
import { announce } from "../ui/Status";
import { AdjustPoints } from "./operations";
import { ProgramSelect } from "./ProgramSelect";
import { loyaltyProgramsQuery } from "./queries";

/** An adjustment, and the key by which the server knows it if it is sent again. */
interface Adjustment {
  points: string;
  reason: string;
  idempotencyKey: string;
}

/** Adds points to a customer, or takes some, with a reason. */
export function AdjustPointsForm({ sourceId }: { sourceId: string }) {
  const { data: programs = [] } = useQuery(loyaltyProgramsQuery);
  const [chosenId, setChosenId] = useState("");
  const [adjustment, setAdjustment] = useState(createAdjustment);
  const programId = chosenId || programs[0]?.id;
  const adjust = useAdjustPoints(sourceId, () => {
    announce(`${formatSigned(Number(adjustment.points))} points`);
    setAdjustment(createAdjustment());
  });

  // Another adjustment has another key.
  const change = (fields: Partial<Adjustment>) =>
    setAdjustment({ ...adjustment, ...fields, idempotencyKey: createIdempotencyKey() });
  if (!programId) return null;
  return (
    <>
      {adjust.error && <Problem error={adjust.error} />}
      <form
        className="toolbar"
        onSubmit={(event) => {
          event.preventDefault();
          adjust.mutate({ ...adjustment, programId });
        }}
      >
        <NumberInput
          label="Points to add, or −5 to take 5"
          required
          value={adjustment.points}
          onChange={(points) => change({ points })}
        />
        <label>
          Reason
          <input
            required
            value={adjustment.reason}
            onChange={({ target }) => change({ reason: target.value })}
          />
        </label>
        <ProgramSelect
          label="Program"
          programs={programs}
          value={programId}
          onChange={(id) => {
            setChosenId(id);
            change({});
          }}
        />
        <ActionButton type="submit" isPending={adjust.isPending}>
          Adjust the points
        </ActionButton>
      </form>
    </>
  );
}

function createAdjustment(): Adjustment {
  return { points: "", reason: "", idempotencyKey: createIdempotencyKey() };
}

function useAdjustPoints(sourceId: string, onAdjusted: () => void) {
  const invalidate = useInvalidation();
  return useMutation({
    mutationFn: async ({ points, ...fields }: Adjustment & { programId: string }) => {
      const input = { ...fields, customer: { sourceId }, points: Number(points) };
      requireNoUserErrors((await request(AdjustPoints, { input })).pointsAdjust.userErrors);
    },
    onSuccess: () => {
      onAdjusted();
      invalidate(
        ["ledger", sourceId],
        ["customer", sourceId],
        ["timeline", sourceId],
        ["memberships", sourceId],
      );
    },
  });
}
