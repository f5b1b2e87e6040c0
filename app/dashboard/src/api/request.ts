import { print } from "@0no-co/graphql.web";
import type { TadaDocumentNode } from "./graphql";
import { keyRequirement, readKey } from "./key";

const ENDPOINT = "/graphql";
const MEDIA_TYPE = "application/graphql-response+json";

interface GraphQLError {
  message: string;
  extensions?: { code?: string; path?: string[] };
}

/** An error that the API reports, or a failure to reach it. */
export class ApiError extends Error {
  /** The code of the API, like NOT_FOUND; UNREACHABLE without a response. */
  readonly code: string;
  /** Where the input is wrong, if it is. */
  readonly path: readonly string[];

  constructor(message: string, code: string, path: readonly string[] = []) {
    super(message);
    this.code = code;
    this.path = path;
  }
}

/** Sends a query or a mutation and returns its data. Throws ApiError. */
export async function request<Result, Variables>(
  document: TadaDocumentNode<Result, Variables>,
  variables: Variables,
  signal?: AbortSignal,
): Promise<Result> {
  const body = JSON.stringify({ query: print(document), variables });
  const response = await send(body, signal);
  const { data, errors } = await response.json().catch(() => ({}));
  const [error] = (errors ?? []) as GraphQLError[];
  if (error) {
    const { code = "INTERNAL", path } = error.extensions ?? {};
    if (code === "UNAUTHENTICATED") keyRequirement.set(true);
    throw new ApiError(error.message, code, path);
  }
  if (!data) throw new ApiError(`The server responded with ${response.status}.`, "INTERNAL");
  return data;
}

async function send(body: string, signal: AbortSignal | undefined): Promise<Response> {
  const key = readKey();
  try {
    return await fetch(ENDPOINT, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        Accept: MEDIA_TYPE,
        ...(key && { Authorization: `Bearer ${key}` }),
      },
      body,
      signal: signal ?? null,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError("The server does not answer. Check that it runs.", "UNREACHABLE");
  }
}

interface UserError {
  code: string;
  message: string;
  path: readonly string[];
}

/** Throws the first error of a mutation's payload as an ApiError. */
export function requireNoUserErrors([error]: readonly UserError[]): void {
  if (error) throw new ApiError(error.message, error.code, error.path);
}
