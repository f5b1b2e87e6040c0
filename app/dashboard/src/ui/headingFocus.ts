import { type RefObject, useEffect, useRef } from "react";
import { useHistoryState } from "wouter/use-browser-location";

/** The options of a navigation after which the heading of the page takes the focus. */
export const FOCUS_HEADING = { state: { focusesHeading: true } };

/** Returns a ref of the heading that takes the focus after such a navigation. */
export function useHeadingFocus(): RefObject<HTMLHeadingElement | null> {
  const heading = useRef<HTMLHeadingElement>(null);
  const state = useHistoryState<typeof FOCUS_HEADING.state | null>();
  useEffect(() => {
    if (state?.focusesHeading) heading.current?.focus();
  }, [state]);
  return heading;
}
