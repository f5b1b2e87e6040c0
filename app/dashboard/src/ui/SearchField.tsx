import { useSearchParams } from "wouter";

/** Returns the text in the address that is searched for; empty without one. */
export function useSearchText(): string {
  const [parameters] = useSearchParams();
  return parameters.get("search") ?? "";
}

/** A field whose text the address holds, as its only parameter. */
export function SearchField({ label }: { label: string }) {
  const [, setParameters] = useSearchParams();
  return (
    <label>
      {label}
      <input
        type="search"
        value={useSearchText()}
        onChange={({ target }) =>
          setParameters(target.value ? { search: target.value } : {}, { replace: true })
        }
      />
    </label>
  );
}
