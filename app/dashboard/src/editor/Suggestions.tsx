import { useQuery } from "@tanstack/react-query";
import { request } from "../api/request";
import { toText } from "../ui/numberText";
import { useDebounced } from "../ui/useDebounced";
import { SuggestValues } from "./operations";

const TYPING_PAUSE_MS = 200;

/** The attribute of customers, or the property of an event, whose values are suggested. */
export interface Source {
  path: string;
  event?: string | undefined;
}

interface Props {
  id: string;
  source: Source;
  prefix: string;
}

/** The values that begin with the prefix, for a field with the id of this list. */
export function Suggestions({ id, source, prefix }: Props) {
  const variables = {
    ...source,
    event: source.event ?? null,
    prefix: useDebounced(prefix, TYPING_PAUSE_MS),
  };
  const { data } = useQuery({
    queryKey: ["suggestions", variables],
    queryFn: ({ signal }) => request(SuggestValues, variables, signal),
  });
  return <ValueOptions id={id} values={data?.filterValueSuggestions ?? []} />;
}

/** The values that a field with the id of this list suggests. */
export function ValueOptions({ id, values }: { id: string; values: readonly unknown[] }) {
  return (
    <datalist id={id}>
      {values.map((value) => (
        <option key={String(value)} value={toText(value)} />
      ))}
    </datalist>
  );
}
