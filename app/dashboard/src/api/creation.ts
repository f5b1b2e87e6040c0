import type { TadaDocumentNode } from "./graphql";
import { request } from "./request";

interface Keyed {
  idempotencyKey?: string | null;
}

interface UnansweredCreation {
  /** The variables as JSON, without the key. */
  variables: string;
  idempotencyKey: string;
}

/** The last creation by each mutation, unless the API has answered it. */
const unanswered = new Map<object, UnansweredCreation>();

/**
 * Sends a mutation that creates something, and returns its data. Throws ApiError. When a response is
 * lost, the user can't know whether the API has created it: the same request again has the same
 * idempotency key, by which the API creates nothing twice.
 */
export async function requestCreation<Result, Variables extends Keyed>(
  document: TadaDocumentNode<Result, Variables>,
  variables: Omit<Variables, "idempotencyKey">,
): Promise<Result> {
  const text = JSON.stringify(variables);
  const earlier = unanswered.get(document);
  const idempotencyKey =
    earlier?.variables === text ? earlier.idempotencyKey : createIdempotencyKey();
  unanswered.set(document, { variables: text, idempotencyKey });
  const data = await request(document, { ...variables, idempotencyKey } as Variables);
  unanswered.delete(document);
  return data;
}

/** `randomUUID` exists only where the page is loaded over HTTPS or from this computer. */
export const createIdempotencyKey = () => crypto.getRandomValues(new Uint32Array(4)).join("-");
