import { createObservable } from "../api/observable";

/** The dialog of the shell that is open. */
export const openDialog = createObservable<"finder" | "keys" | null>(null);
