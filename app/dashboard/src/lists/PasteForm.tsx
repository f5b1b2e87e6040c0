import { useMutation } from "@tanstack/react-query";
import { type Dispatch, useEffect, useId, useRef, useState } from "react";
import { formatNumber } from "../ui/formats";
import { Problem } from "../ui/Problem";
import type { Chosen, ChosenEdit } from "./chosen";
import { EntryForm } from "./EntryForm";
import type { Entries } from "./entries";
import { LookupReport, type Report } from "./LookupReport";
import { countGroupMembers, lookUp } from "./lookup";

const MAX_ENTRIES = 100_000;

interface Props {
  chosen: Chosen;
  edit: Dispatch<ChosenEdit>;
}

/** Adds the customers whose sourceIds or emails are pasted, or are in a file. */
export function PasteForm({ chosen, edit }: Props) {
  const heading = useId();
  const { look, progress, reset } = useLookup(chosen, edit);
  return (
    <section aria-labelledby={heading}>
      <h2 id={heading}>Paste or upload</h2>
      <EntryForm
        label="Source ids or emails, one per line"
        noun="customer"
        submitLabel="Look up and add"
        isPending={look.isPending}
        isDone={look.isSuccess}
        onChange={reset}
        onSubmit={look.mutate}
      />
      {look.isPending && <p className="waiting">{progress}</p>}
      {look.error && <Problem error={look.error} />}
      {look.data && <LookupReport report={look.data} />}
    </section>
  );
}

/** Looks entries up and adds their customers. It stops when the page is left or is reset. */
function useLookup(chosen: Chosen, edit: Props["edit"]) {
  const [progress, setProgress] = useState("");
  const controller = useRef<AbortController>(null);
  useEffect(() => () => controller.current?.abort(), []);
  const look = useMutation({
    mutationFn: async ({ entries, emptyCount }: Entries) => {
      if (entries.length > MAX_ENTRIES) {
        const excess = `${formatNumber(entries.length)} values; at most`;
        throw new Error(`There are ${excess} ${formatNumber(MAX_ENTRIES)} are looked up at once.`);
      }
      setProgress("Looking up …");
      controller.current = new AbortController();
      const { signal } = controller.current;
      const lookup = await lookUp(entries, signal, (text) => setProgress(`Looked up ${text} …`));
      const others = lookup.customers.filter(({ id }) => !chosen.customers.has(id));
      const addedCount = others.length - (await countGroupMembers(chosen, others, signal));
      return { ...lookup, emptyCount, addedCount } satisfies Report;
    },
    onSuccess: ({ customers }) => edit({ type: "add", customers }),
  });
  function reset() {
    controller.current?.abort();
    look.reset();
  }
  return { look, progress, reset };
}
