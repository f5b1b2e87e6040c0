import { queryOptions, useQuery } from "@tanstack/react-query";
import { request } from "../api/request";
import { ReadViewer } from "./operations";

export const viewerQuery = queryOptions({
  queryKey: ["viewer"],
  queryFn: async ({ signal }) => (await request(ReadViewer, {}, signal)).viewer,
  staleTime: Number.POSITIVE_INFINITY,
});

/** Whether the key may change segments. False until the API has said so. */
export function useCanWrite(): boolean {
  const { data } = useQuery(viewerQuery);
  return data?.role === "ADMIN" || data?.role === "WRITE";
}

/** Whether the key may change what acts on its own, such as distributions. */
export function useIsAdmin(): boolean {
  const { data } = useQuery(viewerQuery);
  return data?.role === "ADMIN";
}
