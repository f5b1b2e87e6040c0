import { type ClipboardEvent, type KeyboardEvent, type RefObject, useId, useState } from "react";
import { hasSeveralValues, splitValues } from "../filter/values";
import { useProblemAttributes } from "../ui/fieldProblem";
import type { AttributeType } from "./catalog";
import { type Source, Suggestions, ValueOptions } from "./Suggestions";

interface Props {
  label: string;
  type: AttributeType;
  source?: Source | undefined;
  allowedValues?: readonly unknown[] | null | undefined;
  inputRef: RefObject<HTMLInputElement | null>;
  takesFocus: boolean;
  onAdd: (texts: readonly string[]) => void;
}

/** The field for one more value. It takes several when they are pasted. */
export function ListEntry(props: Props) {
  const { label, type, source, allowedValues, inputRef, takesFocus, onAdd } = props;
  const [text, setText] = useState("");
  const [isFocused, setFocused] = useState(false);
  const listId = useId();

  function addTyped() {
    setText("");
    if (text.trim()) onAdd([text.trim()]);
  }
  function handleKey(event: KeyboardEvent) {
    if (event.key !== "Enter") return;
    // Enter would submit the form around the field.
    event.preventDefault();
    addTyped();
  }
  function handlePaste(event: ClipboardEvent) {
    const pasted = event.clipboardData.getData("text");
    if (text || !hasSeveralValues(pasted, type)) return;
    event.preventDefault();
    onAdd(splitValues(pasted, type));
  }
  return (
    <>
      <input
        type="text"
        ref={inputRef}
        // biome-ignore lint/a11y/noAutofocus: the button that showed it is gone.
        autoFocus={takesFocus}
        {...useProblemAttributes()}
        aria-label={label}
        placeholder={`${label}: type and press Enter, or paste`}
        list={isFocused ? listId : undefined}
        value={text}
        onChange={({ target, nativeEvent }) => {
          const isChosen = (nativeEvent as InputEvent).inputType === "insertReplacementText";
          setText(isChosen ? "" : target.value);
          if (isChosen) onAdd([target.value]);
        }}
        onKeyDown={handleKey}
        onPaste={handlePaste}
        onFocus={() => setFocused(true)}
        onBlur={() => {
          setFocused(false);
          addTyped();
        }}
      />
      {isFocused && allowedValues && <ValueOptions id={listId} values={allowedValues} />}
      {isFocused && !allowedValues && source && (
        <Suggestions id={listId} source={source} prefix={text} />
      )}
    </>
  );
}
