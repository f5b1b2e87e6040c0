import { keepPreviousData, type QueryFunctionContext, useQuery } from "@tanstack/react-query";
import { type KeyboardEvent, type ReactNode, useEffect, useId, useState } from "react";
import { useDebounced } from "./useDebounced";

const TYPING_PAUSE_MS = 200;

interface Props<Item> {
  label: string;
  /** Whether everybody sees the label. It is needed where no other text says what is chosen. */
  isLabelShown?: boolean;
  /** What the field shows while it is closed. */
  value: string;
  placeholder: string;
  /** The query of the items that a text finds. */
  search: (text: string) => {
    queryKey: readonly unknown[];
    queryFn: (context: QueryFunctionContext) => Promise<readonly Item[]>;
  };
  renderItem: (item: Item) => ReactNode;
  onChoose: (item: Item) => void;
}

/** A field that searches, and a list of what it finds, of which the user chooses one. */
export function Combobox<Item extends { id: string }>(props: Props<Item>) {
  const { label, isLabelShown, value, placeholder, search, renderItem, onChoose } = props;
  const [text, setText] = useState<string | null>(null);
  const [activeIndex, setActiveIndex] = useState(0);
  // Enter was pressed before the search had an answer.
  const [isChoosingFirst, setChoosingFirst] = useState(false);
  const listId = useId();
  const isOpen = text !== null;
  const settledText = useDebounced(text ?? "", TYPING_PAUSE_MS);
  const query = useQuery({
    ...search(settledText),
    enabled: isOpen,
    placeholderData: keepPreviousData,
  });
  const items = (isOpen && query.data) || [];
  const active = items[activeIndex];
  const isSearching = query.isPlaceholderData || settledText !== (text ?? "");

  function change(next: string | null) {
    setText(next);
    setActiveIndex(0);
    setChoosingFirst(false);
  }
  function choose(item: Item) {
    change(null);
    onChoose(item);
  }
  const first = isChoosingFirst && !isSearching ? items[0] : undefined;
  useEffect(() => {
    if (first) choose(first);
  });
  function handleKey(event: KeyboardEvent) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!isOpen) change("");
      const step = event.key === "ArrowDown" ? 1 : -1;
      if (isOpen && items.length > 0) {
        setActiveIndex((activeIndex + step + items.length) % items.length);
      }
    } else if (event.key === "Enter") {
      // Enter would submit the form around the field.
      event.preventDefault();
      if (!isOpen) return;
      if (isSearching || query.isLoading) setChoosingFirst(true);
      else if (active) choose(active);
    } else if (event.key === "Escape" && isOpen) {
      event.preventDefault();
      change(null);
    }
  }

  return (
    <span className="combobox">
      {isLabelShown && (
        <span className="combobox-label" aria-hidden="true">
          {label}
        </span>
      )}
      <input
        type="text"
        role="combobox"
        autoComplete="off"
        aria-label={label}
        aria-expanded={items.length > 0}
        aria-controls={items.length > 0 ? listId : undefined}
        aria-autocomplete="list"
        aria-activedescendant={active ? `${listId}-${active.id}` : undefined}
        placeholder={isOpen && value ? value : placeholder}
        value={text ?? value}
        onFocus={({ target }) => target.select()}
        onClick={() => change(text ?? "")}
        onChange={(event) => change(event.target.value)}
        onKeyDown={handleKey}
        onBlur={() => change(null)}
      />
      {items.length > 0 && (
        <div role="listbox" id={listId} aria-label={label} aria-busy={isSearching}>
          {items.map((item) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the field has the focus and takes the keys.
            <div
              key={item.id}
              id={`${listId}-${item.id}`}
              role="option"
              tabIndex={-1}
              aria-selected={item === active}
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => choose(item)}
            >
              {renderItem(item)}
            </div>
          ))}
        </div>
      )}
      {isOpen && query.data?.length === 0 && <span className="hint">Nothing is found.</span>}
      {query.error && <span className="field-problem">{query.error.message}</span>}
    </span>
  );
}
