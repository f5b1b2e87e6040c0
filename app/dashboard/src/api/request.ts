import { print } from "@0no-co/graphql.web";
import type { TadaDocumentNode } from "./graphql";
import { keyRequirement, readKey } from "./key";
import { createObservable } from "./observable";

const ENDPOINT = "/graphql";
const MEDIA_TYPE = "application/graphql-response+json";

interface GraphQLError {
  message: string;
  /** Where the data has null because of the error. */
  path?: (string | number)[];
  extensions?: { code?: string; path?: string[] };
}

/** What the API refuses, or why it fails. */
export interface ApiProblem {
  code: string;
  message: string;
  /** Where the input is wrong, if it is. */
  path: readonly string[];
}

/** Something in a filter that is allowed, but looks wrong. */
export interface Hint {
  message: string;
  path: readonly string[];
}

/** Whether the last request had a response. */
export const reachability = createObservable(true);

/** An error that the API reports, or a failure to reach it. */
export class ApiError extends Error {
  /** The code of the API, like NOT_FOUND; UNREACHABLE without a response. */
  readonly code: string;
  /** Where the input is wrong, if it is. */
  readonly path: readonly string[];
  /** All problems of the response; the error itself is the first one. */
  readonly problems: readonly ApiProblem[];

  constructor(
    message: string,
    code: string,
    path: readonly string[] = [],
    problems: readonly ApiProblem[] = [{ code, message, path }],
  ) {
    super(message);
    this.code = code;
    this.path = path;
    this.problems = problems;
  }
}

/** Sends a query or a mutation and returns its data. Throws ApiError. */
export async function request<Result, Variables>(
  document: TadaDocumentNode<Result, Variables>,
  variables: Variables,
  signal?: AbortSignal,
): Promise<Result> {
  return (await requestWithHints(document, variables, signal)).data;
}

/** Sends a query or a mutation and returns its data, and the hints of the API. Throws ApiError. */
export async function requestWithHints<Result, Variables>(
  document: TadaDocumentNode<Result, Variables>,
  variables: Variables,
  signal?: AbortSignal,
): Promise<{ data: Result; hints: readonly Hint[] }> {
  const { data, errors, hints } = await execute(document, variables, signal);
  throwFirst(errors.map(toProblem));
  return { data, hints };
}

/** Why a field is null in data that is otherwise complete. */
export type FieldError = Pick<ApiProblem, "code" | "message">;

/**
 * Sends a query and returns what the API could read, with the errors of single fields, which are
 * null then. Throws ApiError if the data of a whole root field is missing.
 */
export async function requestPartial<Result extends object, Variables>(
  document: TadaDocumentNode<Result, Variables>,
  variables: Variables,
  signal?: AbortSignal,
): Promise<Result & { fieldErrors: readonly FieldError[] }> {
  const { data, errors } = await execute(document, variables, signal);
  const fatalErrors = errors.filter(({ path }) => !path || isMissing(data, String(path[0])));
  throwFirst(fatalErrors.map(toProblem));
  const fieldErrors = errors.map(toProblem).map(({ code, message }) => ({ code, message }));
  return { ...data, fieldErrors };
}

const isMissing = (data: object, rootField: string) =>
  (data as Record<string, unknown>)[rootField] == null;

async function execute<Result, Variables>(
  document: TadaDocumentNode<Result, Variables>,
  variables: Variables,
  signal: AbortSignal | undefined,
): Promise<{ data: Result; errors: readonly GraphQLError[]; hints: readonly Hint[] }> {
  const body = JSON.stringify({ query: print(document), variables });
  const response = await send(body, signal);
  const { data, errors = [], extensions } = await response.json().catch(() => ({}));
  if (data) return { data, errors, hints: extensions?.hints ?? [] };
  throwFirst((errors as GraphQLError[]).map(toProblem));
  throw new ApiError(`The server responded with ${response.status}.`, "INTERNAL");
}

function toProblem({ message, extensions }: GraphQLError): ApiProblem {
  const { code = "INTERNAL", path = [] } = extensions ?? {};
  return { code, message, path };
}

function throwFirst(problems: readonly ApiProblem[]): void {
  const [first] = problems;
  if (!first) return;
  if (first.code === "UNAUTHENTICATED") keyRequirement.set(true);
  throw new ApiError(first.message, first.code, first.path, problems);
}

async function send(body: string, signal: AbortSignal | undefined): Promise<Response> {
  const key = readKey();
  try {
    const response = await fetch(ENDPOINT, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        Accept: MEDIA_TYPE,
        ...(key && { Authorization: `Bearer ${key}` }),
      },
      body,
      signal: signal ?? null,
    });
    reachability.set(true);
    return response;
  } catch (error) {
    if (signal?.aborted) throw error;
    reachability.set(false);
    throw new ApiError("The server does not answer. Check that it runs.", "UNREACHABLE");
  }
}

/** Throws the first error of a mutation's payload as an ApiError. */
export function requireNoUserErrors(userErrors: readonly ApiProblem[]): void {
  throwFirst(userErrors);
}
