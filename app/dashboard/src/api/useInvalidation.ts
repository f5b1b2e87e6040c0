import { type QueryKey, useQueryClient } from "@tanstack/react-query";

/**
 * Returns a function that lets the queries be read again whose keys begin with one of these. Its
 * promise resolves when those that are shown have been read.
 */
export function useInvalidation() {
  const queryClient = useQueryClient();
  return (...queryKeys: QueryKey[]) =>
    Promise.all(queryKeys.map((queryKey) => queryClient.invalidateQueries({ queryKey })));
}
