import { type FocusEvent, useState } from "react";

/**
 * Returns the value, which stays as it was while it is held, and a function that shows the latest one
 * all the same.
 */
export function useHeldValue<Value>(latest: Value, isHeld: boolean): [Value, () => void] {
  const [held, setHeld] = useState(latest);
  if (!isHeld && held !== latest) setHeld(latest);
  return [isHeld ? held : latest, () => setHeld(latest)];
}

/** Returns whether the pointer or the focus is in an element, and the handlers for the element. */
export function useAttention() {
  const [isPointedAt, setPointedAt] = useState(false);
  const [hasFocus, setFocus] = useState(false);
  const handlers = {
    onPointerEnter: () => setPointedAt(true),
    onPointerLeave: () => setPointedAt(false),
    onFocus: () => setFocus(true),
    onBlur: ({ currentTarget, relatedTarget }: FocusEvent) =>
      setFocus(currentTarget.contains(relatedTarget)),
  };
  return [isPointedAt || hasFocus, handlers] as const;
}
