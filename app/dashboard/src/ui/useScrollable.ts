import { type RefObject, useEffect, useRef, useState } from "react";

/** Returns a ref for a box, and whether its only child is wider than the box. */
export function useScrollable<Box extends Element>(): [RefObject<Box | null>, boolean] {
  const ref = useRef<Box>(null);
  const [isScrollable, setScrollable] = useState(false);
  useEffect(() => {
    const box = ref.current;
    if (!box) return;
    const observer = new ResizeObserver(() => setScrollable(box.scrollWidth > box.clientWidth));
    for (const element of [box, ...box.children]) observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, isScrollable];
}
