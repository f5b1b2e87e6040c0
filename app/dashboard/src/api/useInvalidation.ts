import { type QueryKey, useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";

/**
 * Returns a function that lets the queries be read again whose keys begin with one of these. Its
 * promise resolves when those that are shown have been read.
 */
export function useInvalidation() {
  const queryClient = useQueryClient();
  return useCallback(
    (...queryKeys: QueryKey[]) =>
      Promise.all(queryKeys.map((queryKey) => queryClient.invalidateQueries({ queryKey }))),
    [queryClient],
  );
}
