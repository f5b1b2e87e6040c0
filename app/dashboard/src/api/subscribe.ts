import { print } from "@0no-co/graphql.web";
import type { TadaDocumentNode } from "./graphql";
import { socket } from "./socket";

/** Resolves when the subscription ends; rejects when it fails or the socket closes. */
export function subscribe<Result extends Record<string, unknown>, Variables>(
  document: TadaDocumentNode<Result, Variables>,
  variables: Variables & Record<string, unknown>,
  onData: (data: Result) => void,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const unsubscribe = socket.subscribe<Result>(
      { query: print(document), variables },
      {
        next: ({ data, errors }) => {
          if (errors) reject(errors);
          else if (data && !signal.aborted) onData(data);
        },
        error: reject,
        complete: resolve,
      },
    );
    signal.addEventListener("abort", unsubscribe, { once: true });
  });
}

/** Resolves after so many milliseconds, or at once when the signal is aborted. */
export function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
