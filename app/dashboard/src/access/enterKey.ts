import type { QueryClient } from "@tanstack/react-query";
import { forgetKey, keyRequirement, storeKey, takeLinkedKey } from "../api/key";
import { viewerQuery } from "./viewer";

/** Stores a key that opens the dashboard. Throws an error if it does not, and forgets the key. */
export async function enterKey(key: string, isKept: boolean, queryClient: QueryClient) {
  try {
    storeKey(key.trim(), isKept);
    // A request that is on its way does not have the key.
    await queryClient.cancelQueries(viewerQuery);
    const viewer = await queryClient.fetchQuery({ ...viewerQuery, staleTime: 0 });
    if (viewer.role === "CHECK") throw new Error("A key with the role CHECK opens nothing here.");
  } catch (error) {
    forgetKey();
    throw error;
  }
}

/** Enters the key of the address for this tab, if it has one. If it is refused, the form asks for another. */
export async function enterLinkedKey(queryClient: QueryClient) {
  const key = takeLinkedKey();
  if (key === null) return;
  await enterKey(key, false, queryClient).catch((error: Error) => keyRequirement.set(error));
}
