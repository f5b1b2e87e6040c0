import { type RefObject, useEffect, useRef, useState } from "react";

/** Returns a ref for an element, and whether a part of it is on the screen. */
export function useInSight<Shown extends Element>(): [RefObject<Shown | null>, boolean] {
  const ref = useRef<Shown>(null);
  const [isInSight, setInSight] = useState(false);
  useEffect(() => {
    if (!ref.current) return;
    const observer = new IntersectionObserver((entries) => {
      setInSight(entries.some((entry) => entry.isIntersecting));
    });
    observer.observe(ref.current);
    return () => observer.disconnect();
  }, []);
  return [ref, isInSight];
}
