import "./lists.css";
import { useRef, useState } from "react";
import { addValues, splitLines, toValue } from "../filter/values";
import { formatCount, formatNumber } from "../ui/formats";
import { numberText, toText } from "../ui/numberText";
import { announce } from "../ui/Status";
import { Chips } from "./Chips";
import type { AttributeType } from "./catalog";
import { LinesField } from "./LinesField";
import { ListEntry } from "./ListEntry";
import type { Source } from "./Suggestions";

const MAX_CHIPS = 50;

interface Props {
  label: string;
  type: AttributeType;
  value: unknown;
  onChange: (value: unknown[]) => void;
  /** Where suggestions for the values come from. */
  source?: Source | undefined;
  allowedValues?: readonly unknown[] | null | undefined;
}

/** A list of values: a field that adds them, and each one with a button that removes it. */
export function ListField({ value, onChange, ...field }: Props) {
  const [mode, setMode] = useState<"chips" | "text" | "chips again">("chips");
  const entry = useRef<HTMLInputElement>(null);
  const values = Array.isArray(value) ? value : [];
  const unreadable = values.find((other) => typeof other === "string");
  const problem = field.type === "NUMBER" && unreadable && numberText.findProblem(unreadable, {});
  const hiddenCount = values.length - MAX_CHIPS;
  const toValues = (texts: readonly string[]) =>
    texts.map((text) => toValue(text, field.type, field.allowedValues));

  function add(texts: readonly string[]) {
    const next = addValues(values, toValues(texts));
    onChange(next);
    announce(`${formatCount(next.length - values.length, "value")} added.`);
  }
  if (mode === "text") {
    return (
      <LinesField
        label={`${field.label}, one per line`}
        values={values}
        parse={(text) => addValues([], toValues(splitLines(text)))}
        onChange={onChange}
        onDone={() => setMode("chips again")}
      />
    );
  }
  return (
    <div className="list-field">
      <ListEntry {...field} inputRef={entry} takesFocus={mode === "chips again"} onAdd={add} />
      {problem && (
        <span className="field-problem">
          “{unreadable}”: {problem}
        </span>
      )}
      <Chips
        label={field.label}
        values={values.slice(0, MAX_CHIPS)}
        onRemove={(removed) => {
          onChange(values.filter((other) => other !== removed));
          announce(`${toText(removed)} removed.`);
        }}
        onEmpty={() => entry.current?.focus()}
      />
      {hiddenCount > 0 && (
        <button type="button" onClick={() => setMode("text")}>
          and {formatNumber(hiddenCount)} more
        </button>
      )}
    </div>
  );
}
