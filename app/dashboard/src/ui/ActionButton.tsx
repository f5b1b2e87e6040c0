import type { ComponentProps } from "react";

interface Props extends ComponentProps<"button"> {
  /** Whether what the button starts is under way. A click does nothing then. */
  isPending: boolean;
}

/** A button that keeps the focus while its action is under way: a disabled one would lose it. */
export function ActionButton({ isPending, onClick, ...button }: Props) {
  return (
    <button
      type="button"
      {...button}
      aria-disabled={isPending}
      onClick={(event) => {
        if (isPending) event.preventDefault();
        else onClick?.(event);
      }}
    />
  );
}
