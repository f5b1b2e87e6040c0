import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useId, useRef, useState, useSyncExternalStore } from "react";
import { keyRequirement } from "../api/key";
import { ApiError } from "../api/request";
import { socket } from "../api/socket";
import { ActionButton } from "../ui/ActionButton";
import { enterKey } from "./enterKey";

/** Asks for a key, over the page, whenever the API needs one. The page keeps its place. */
export function KeyGate() {
  const isRequired = useSyncExternalStore(keyRequirement.subscribe, keyRequirement.get);
  return isRequired ? <KeyDialog linkError={isRequired === true ? null : isRequired} /> : null;
}

/** `linkError` says why the key of the address was refused. */
function KeyDialog({ linkError }: { linkError: Error | null }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  const problem = useId();
  const [key, setKey] = useState("");
  const [isKept, setKept] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const queryClient = useQueryClient();
  // The requests that follow are refused, too: for want of a key.
  const [initialError] = useState(linkError);
  useEffect(() => dialog.current?.showModal(), []);

  const entry = useMutation({
    mutationFn: () => enterKey(key, isKept, queryClient),
    // The next key replaces the refused one.
    onError: () => field.current?.select(),
    onSuccess: () => {
      keyRequirement.set(false);
      // The socket presents the key when it opens.
      socket.terminate();
      // What the page has stays: without its data, a form would go, and with it what is typed.
      queryClient.invalidateQueries();
    },
  });

  const error = entry.isIdle ? initialError : entry.error;
  return (
    <dialog ref={dialog} aria-labelledby={heading} onCancel={(event) => event.preventDefault()}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          entry.mutate();
        }}
      >
        <h2 id={heading}>This server needs a key</h2>
        <p className="hint">
          The administrator of the server creates keys with <code>segments keys create</code>.
        </p>
        <div className="toolbar">
          <label>
            Key
            <input
              ref={field}
              type="password"
              autoComplete="current-password"
              required
              value={key}
              aria-describedby={problem}
              onChange={(event) => setKey(event.target.value)}
            />
          </label>
          <ActionButton type="submit" className="primary" isPending={entry.isPending}>
            Open
          </ActionButton>
        </div>
        <label>
          <input
            type="checkbox"
            checked={isKept}
            onChange={(event) => setKept(event.target.checked)}
          />{" "}
          Keep it on this computer
        </label>
        <p id={problem} role="alert" className="field-problem">
          {error && describe(error)}
        </p>
      </form>
    </dialog>
  );
}

function describe(error: Error): string {
  const isRefused = error instanceof ApiError && error.code === "UNAUTHENTICATED";
  return isRefused ? "The server did not accept this key." : error.message;
}
