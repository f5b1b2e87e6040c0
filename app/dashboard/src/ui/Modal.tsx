import { type ReactNode, type RefObject, useEffect, useId, useRef } from "react";

interface Props {
  title: string;
  className?: string;
  /** Gives the caller a dialog to close. */
  dialogRef?: RefObject<HTMLDialogElement | null>;
  /** Is called when it is closed. The caller then removes it. */
  onClose: () => void;
  children: ReactNode;
}

/** A dialog that is open as long as it is there. */
export function Modal({ title, className, dialogRef, onClose, children }: Props) {
  const ownRef = useRef<HTMLDialogElement>(null);
  const dialog = dialogRef ?? ownRef;
  const heading = useId();
  useEffect(() => dialog.current?.showModal(), [dialog]);
  return (
    <dialog ref={dialog} className={className} aria-labelledby={heading} onClose={onClose}>
      <h2 id={heading}>{title}</h2>
      {children}
    </dialog>
  );
}
