import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { isDraftFragment, readFragment } from "./link";

/** Reads the draft in the fragment that the address has when the page opens. */
export function useLinkedDraft() {
  const [fragment] = useState(window.location.hash);
  const isLinked = isDraftFragment(fragment);
  const { data, error } = useQuery({
    queryKey: ["linkedDraft", fragment],
    queryFn: () => readFragment(fragment),
    enabled: isLinked,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  return { draft: data, error, isAwaited: isLinked && !data };
}
