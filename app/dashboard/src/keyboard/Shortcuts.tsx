import { lazy, Suspense, useEffect, useState, useSyncExternalStore } from "react";
import { useLocation } from "wouter";
import { useCanWrite } from "../access/viewer";
import { PAGES } from "../pages";
import { routes } from "../routes";
import { ErrorBoundary } from "../ui/ErrorBoundary";
import { createKeySequence } from "./keySequence";
import { openDialog } from "./openDialog";
import { focusRow, focusSearch } from "./pageActions";
import { singleKeys } from "./singleKeys";

const FinderDialog = lazy(async () => ({
  default: (await import("./FinderDialog")).FinderDialog,
}));
const KeysDialog = lazy(async () => ({ default: (await import("./KeysDialog")).KeysDialog }));

/** The keys that work on all pages, and the dialogs that they open. */
export function Shortcuts() {
  useShortcuts();
  const dialog = useSyncExternalStore(openDialog.subscribe, openDialog.get);
  const close = () => openDialog.set(null);
  return (
    <ErrorBoundary key={dialog}>
      <Suspense fallback={null}>
        {dialog === "finder" && <FinderDialog onClose={close} />}
        {dialog === "keys" && <KeysDialog onClose={close} />}
      </Suspense>
    </ErrorBoundary>
  );
}

function useShortcuts() {
  const [location, navigate] = useLocation();
  const canWrite = useCanWrite();
  const [completeSequence] = useState(createKeySequence);
  useEffect(() => {
    /** Does what the keys mean. Returns false if they mean nothing here. */
    function act(keys: string): boolean {
      switch (keys) {
        case "?":
          openDialog.set("keys");
          return true;
        case "/":
          return focusSearch();
        case "j":
          return focusRow(1);
        case "k":
          return focusRow(-1);
        case "n":
          if (!canWrite || location !== routes.segments) return false;
          navigate(routes.newSegment);
          return true;
      }
      const page = PAGES.find(({ key }) => keys === `g ${key}`);
      if (page) navigate(page.href);
      return page !== undefined;
    }
    function handleKey(event: KeyboardEvent) {
      if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
      if (isFinderKey(event)) openDialog.set("finder");
      else if (!isSingleKey(event) || !act(completeSequence(event.key, event.timeStamp))) return;
      event.preventDefault();
    }
    window.addEventListener("keydown", handleKey);
    return () => window.removeEventListener("keydown", handleKey);
  }, [location, navigate, canWrite, completeSequence]);
}

const isFinderKey = ({ key, ctrlKey, metaKey, altKey, shiftKey }: KeyboardEvent) =>
  (ctrlKey || metaKey) && !altKey && !shiftKey && key.toLowerCase() === "k";

/** Whether the key may be a shortcut: neither text in a field, nor a key of the browser. */
function isSingleKey({ target, ctrlKey, metaKey, altKey, isComposing }: KeyboardEvent): boolean {
  if (ctrlKey || metaKey || altKey || isComposing || singleKeys.get() === "off") return false;
  return !(target instanceof Element && target.closest("input, select, textarea"));
}
