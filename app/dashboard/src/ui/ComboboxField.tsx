import "./combobox.css";
import { type KeyboardEvent, type ReactNode, useEffect, useId, useState } from "react";
import { useProblemAttributes } from "./fieldProblem";

interface Props<Item> {
  label: string;
  /** Whether everybody sees the label. It is needed where no other text says what is chosen. */
  isLabelShown?: boolean | undefined;
  /** What the field shows while it is closed. */
  value: string;
  placeholder: string;
  /** What the user has typed; null while the list is closed. */
  text: string | null;
  onTextChange: (text: string | null) => void;
  /** What the text finds. */
  items: readonly Item[];
  /** Whether the items are those of an earlier text. */
  isSearching?: boolean;
  /** The heading below which the item stands. Items of one heading follow each other. */
  headingOf?: (item: Item) => string;
  renderItem: (item: Item) => ReactNode;
  /** Whether an item can't be chosen. */
  isDisabled?: (item: Item) => boolean;
  onChoose: (item: Item) => void;
  /** What stands below the field. */
  children?: ReactNode;
}

/** A field for a text, and a list of what it finds, of which the user chooses one. */
export function ComboboxField<Item>(props: Props<Item>) {
  const { label, isLabelShown, value, placeholder, text, items, isSearching = false } = props;
  const [activeIndex, setActiveIndex] = useState(0);
  // Enter was pressed before the search had an answer.
  const [isChoosingFirst, setChoosingFirst] = useState(false);
  const listId = useId();
  const problemAttributes = useProblemAttributes();
  const isOpen = text !== null;
  const hasItems = isOpen && items.length > 0;
  const activeId = hasItems ? `${listId}-${activeIndex}` : undefined;

  function change(next: string | null) {
    props.onTextChange(next);
    setActiveIndex(0);
    setChoosingFirst(false);
  }
  function choose(item: Item) {
    if (props.isDisabled?.(item)) return;
    change(null);
    props.onChoose(item);
  }
  const first = isChoosingFirst && !isSearching ? items[0] : undefined;
  useEffect(() => {
    if (first) choose(first);
  });
  useEffect(() => {
    if (activeId) document.getElementById(activeId)?.scrollIntoView({ block: "nearest" });
  }, [activeId]);
  function handleKey(event: KeyboardEvent) {
    // With these, arrows and Enter belong to the form around the field.
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!isOpen) change("");
      const step = event.key === "ArrowDown" ? 1 : -1;
      if (hasItems) setActiveIndex((activeIndex + step + items.length) % items.length);
    } else if (event.key === "Enter") {
      // Enter would submit the form around the field.
      event.preventDefault();
      const active = items[activeIndex];
      if (!isOpen) return;
      if (isSearching) setChoosingFirst(true);
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
        {...problemAttributes}
        aria-expanded={hasItems}
        aria-controls={hasItems ? listId : undefined}
        aria-autocomplete="list"
        aria-activedescendant={activeId}
        placeholder={isOpen && value ? value : placeholder}
        value={text ?? value}
        onFocus={({ target }) => target.select()}
        onClick={() => change(text ?? "")}
        onChange={(event) => change(event.target.value)}
        onKeyDown={handleKey}
        onBlur={() => change(null)}
      />
      {hasItems && (
        <div role="listbox" id={listId} aria-label={label} aria-busy={isSearching}>
          <Options
            {...props}
            activeIndex={activeIndex}
            idOf={(index) => `${listId}-${index}`}
            onChoose={choose}
          />
        </div>
      )}
      {props.children}
    </span>
  );
}

interface OptionsProps<Item> {
  items: readonly Item[];
  headingOf?: (item: Item) => string;
  renderItem: (item: Item) => ReactNode;
  isDisabled?: (item: Item) => boolean;
  onChoose: (item: Item) => void;
  activeIndex: number;
  idOf: (index: number) => string;
}

function Options<Item>({ headingOf, ...props }: OptionsProps<Item>) {
  const options = props.items.map((item, index) => (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the field has the focus and takes the keys.
    <div
      key={props.idOf(index)}
      id={props.idOf(index)}
      role="option"
      tabIndex={-1}
      aria-selected={index === props.activeIndex}
      aria-disabled={props.isDisabled?.(item)}
      onMouseDown={(event) => event.preventDefault()}
      onClick={() => props.onChoose(item)}
    >
      {props.renderItem(item)}
    </div>
  ));
  if (!headingOf) return options;
  const headings = props.items.map(headingOf);
  return [...new Set(headings)].map((heading) => (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset can't stand in a list of options.
    <div key={heading} role="group" aria-label={heading}>
      <div className="combobox-heading" aria-hidden="true">
        {heading}
      </div>
      {options.filter((_, index) => headings[index] === heading)}
    </div>
  ));
}
