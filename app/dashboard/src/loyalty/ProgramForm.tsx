import { useMutation } from "@tanstack/react-query";
import { useId, useState } from "react";
import { requestCreation } from "../api/creation";
import { requireNoUserErrors } from "../api/request";
import { useInvalidation } from "../api/useInvalidation";
import { ActionButton } from "../ui/ActionButton";
import { Problem } from "../ui/Problem";
import { announce } from "../ui/Status";
import { CreateLoyaltyProgram } from "./operations";

/** Creates a loyalty program. */
export function ProgramForm() {
  const [name, setName] = useState("");
  const heading = useId();
  const invalidate = useInvalidation();
  const creation = useMutation({
    mutationFn: async () => {
      const { loyaltyProgramCreate } = await requestCreation(CreateLoyaltyProgram, {
        input: { name },
      });
      requireNoUserErrors(loyaltyProgramCreate.userErrors);
    },
    onSuccess: () => {
      announce(`The loyalty program ${name} is created.`);
      setName("");
      invalidate(["loyaltyPrograms"]);
    },
  });
  return (
    <section aria-labelledby={heading}>
      <h2 id={heading}>New loyalty program</h2>
      {creation.error && <Problem error={creation.error} />}
      <form
        className="toolbar"
        onSubmit={(event) => {
          event.preventDefault();
          creation.mutate();
        }}
      >
        <label>
          Name of the program
          <input required value={name} onChange={({ target }) => setName(target.value)} />
        </label>
        <ActionButton type="submit" className="primary" isPending={creation.isPending}>
          Create the program
        </ActionButton>
      </form>
    </section>
  );
}
