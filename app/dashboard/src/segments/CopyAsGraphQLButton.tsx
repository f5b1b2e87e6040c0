import { ActionButton } from "../ui/ActionButton";
import { useCopyAsGraphQL } from "./copyAsGraphQL";

/** Copies the mutation that creates a segment like the one with the id. */
export function CopyAsGraphQLButton({ id }: { id: string }) {
  const copy = useCopyAsGraphQL(id);
  return (
    <>
      <ActionButton isPending={copy.isPending} onClick={() => copy.mutate()}>
        Copy as GraphQL
      </ActionButton>
      <CopyOutcome copy={copy} />
    </>
  );
}

/** What the copying did, once it is done. */
export function CopyOutcome({
  copy: { data, error },
}: {
  copy: ReturnType<typeof useCopyAsGraphQL>;
}) {
  return (
    <>
      {data && <span className="hint">{data}</span>}
      {error && (
        <span className="field-problem" role="alert">
          {error.message}
        </span>
      )}
    </>
  );
}
