import { lazy, Suspense, useState } from "react";
import { createPortal } from "react-dom";
import type { GroupNode } from "../filter/node";
import { useEdit } from "./editing";

const DIALOGS = {
  "As JSON": lazy(() => import("./JsonDialog")),
  "From Voucherify": lazy(() => import("./VoucherifyDialog")),
} as const;

type DialogName = keyof typeof DIALOGS;

interface Props {
  /** The filter in the editor, as the API takes it; null without a finished condition. */
  filter: unknown;
  /** The id of the whole filter, which another one replaces. */
  rootId: string;
}

/** Buttons that show the filter as text, and take it as text. */
export function FilterTools({ filter, rootId }: Props) {
  const { edit } = useEdit();
  const [open, setOpen] = useState<DialogName | null>(null);
  const Dialog = open && DIALOGS[open];
  const replace = (tree: GroupNode) => edit({ type: "replace", node: { ...tree, id: rootId } });
  return (
    <>
      {Object.keys(DIALOGS).map((name) => (
        <button key={name} type="button" onClick={() => setOpen(name as DialogName)}>
          {name}
        </button>
      ))}
      {Dialog &&
        // The keys of the form around the buttons are not those of the dialog.
        createPortal(
          <Suspense>
            <Dialog filter={filter} onUse={replace} onClose={() => setOpen(null)} />
          </Suspense>,
          document.body,
        )}
    </>
  );
}
