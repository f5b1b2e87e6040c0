import { type ReactNode, useEffect, useRef, useState } from "react";
import { useLocation } from "wouter";
import { ErrorBoundary } from "../ui/ErrorBoundary";
import { announce } from "../ui/Status";
import { OfflineBar } from "./OfflineBar";

const PRODUCT_SUFFIX = " · Customer segments";

/**
 * The page. It gets the focus after navigation, so that a screen reader begins to read there: unless
 * the page has given it to a field or a heading.
 */
export function Main({ children }: { children: ReactNode }) {
  const [location] = useLocation();
  const main = useRef<HTMLElement>(null);
  const shownLocation = useRef(location);
  const title = useTitle();
  useEffect(() => {
    if (shownLocation.current === location) return;
    shownLocation.current = location;
    if (!main.current?.contains(document.activeElement)) main.current?.focus();
  }, [location]);
  return (
    <main id="main" tabIndex={-1} ref={main} aria-label={title || undefined}>
      <OfflineBar />
      <ErrorBoundary key={location} isPage>
        {children}
      </ErrorBoundary>
    </main>
  );
}

/**
 * Returns the title that the page has set; while it has set none, that of the page before.
 * Announces each but the first, which screen readers read when they load the page.
 */
function useTitle(): string {
  const [title, setTitle] = useState("");
  const lastTitle = useRef("");
  useEffect(() => {
    function readTitle() {
      const next = document.title.replace(PRODUCT_SUFFIX, "");
      if (!next || next === lastTitle.current) return;
      if (lastTitle.current) announce(next);
      lastTitle.current = next;
      setTitle(next);
    }
    const observer = new MutationObserver(readTitle);
    observer.observe(document.head, { childList: true, subtree: true, characterData: true });
    readTitle();
    return () => observer.disconnect();
  }, []);
  return title;
}
