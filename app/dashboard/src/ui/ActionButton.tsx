import type { ComponentProps } from "react";

interface Props extends ComponentProps<"button"> {
  /** Whether what the button starts is under way. A click does nothing then. */
  isPending: boolean;
}

/**
 * A button that keeps the focus while its action is under way, and when it is disabled, such as
 * after the form is sent and empty again. The attribute `disabled` would take the focus from it.
 */
export function ActionButton({ isPending, disabled = false, onClick, ...button }: Props) {
  const isOff = isPending || disabled;
  return (
    <button
      type="button"
      {...button}
      aria-disabled={isOff}
      onClick={(event) => {
        if (isOff) event.preventDefault();
        else onClick?.(event);
      }}
    />
  );
}
