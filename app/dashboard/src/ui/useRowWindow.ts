import {
  type FocusEvent,
  type RefObject,
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { flushSync } from "react-dom";
import { chooseRows, type RowRange } from "./rowWindow";

// Until the first row is measured.
const USUAL_ROW_HEIGHT = 41;
// The rows in sight change in steps of so many rows, so that not each pixel renders the table.
const STEP_ROWS = 5;
const ROW = "tr[aria-rowindex]";

interface RowWindow {
  /** A ref for the box, which scrolls. */
  box: RefObject<HTMLDivElement | null>;
  ranges: readonly RowRange[];
  rowHeight: number;
  /** Whether the table is larger than the box. */
  isScrollable: boolean;
  /** Handlers for the box. */
  handlers: {
    onScroll: () => void;
    onFocus: (event: FocusEvent) => void;
    onBlur: () => void;
  };
}

/** Chooses which rows of a long table are rendered. All rows have the same height. */
export function useRowWindow(count: number): RowWindow {
  const box = useRef<HTMLDivElement>(null);
  const [rowHeight, setRowHeight] = useState(USUAL_ROW_HEIGHT);
  const [start, setStart] = useState(0);
  const [size, setSize] = useState(0);
  const [isScrollable, setScrollable] = useState(false);
  const [focusedIndex, setFocusedIndex] = useState<number | null>(null);

  const measure = useCallback(() => {
    if (!box.current) return;
    const { scrollTop, scrollWidth, scrollHeight, clientWidth, clientHeight } = box.current;
    setStart(Math.floor(scrollTop / rowHeight / STEP_ROWS) * STEP_ROWS);
    setSize(Math.ceil(clientHeight / rowHeight) + STEP_ROWS);
    setScrollable(scrollWidth > clientWidth || scrollHeight > clientHeight);
  }, [rowHeight]);

  useEffect(() => {
    if (!box.current) return;
    const observer = new ResizeObserver(measure);
    for (const element of [box.current, ...box.current.children]) observer.observe(element);
    return () => observer.disconnect();
  }, [measure]);

  useLayoutEffect(() => {
    const row = box.current?.querySelector(`tbody ${ROW}`);
    const height = row?.getBoundingClientRect().height;
    if (height) setRowHeight(height);
  });

  return {
    box,
    ranges: chooseRows({ start, end: start + size }, count, focusedIndex),
    rowHeight,
    isScrollable,
    handlers: {
      // The browser is about to paint: the rows come with the same picture.
      onScroll: () => flushSync(measure),
      onFocus: ({ target }) => setFocusedIndex(readIndex(target)),
      onBlur: () => setFocusedIndex(null),
    },
  };
}

/** Returns the index of the row of an element; null outside of the rows. */
function readIndex(element: Element): number | null {
  const rowIndex = element.closest(`tbody ${ROW}`)?.getAttribute("aria-rowindex");
  // The heading is the first row, and rows are counted from one.
  return rowIndex ? Number(rowIndex) - 2 : null;
}
