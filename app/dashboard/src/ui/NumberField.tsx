import { type ChangeEvent, type ComponentProps, useEffect, useId, useRef, useState } from "react";
import { useProblemAttributes } from "./fieldProblem";
import { type NumberRules, numberText } from "./numberText";
import { useAnnouncement } from "./Status";

type InputProps = Omit<ComponentProps<"input">, "type" | "min" | "step" | "value" | "onChange">;

interface Props extends InputProps, NumberRules {
  label: string;
  /** Whether everybody sees the label. */
  isLabelShown?: boolean;
  /** NaN stands for a text that is refused. */
  value: number | undefined;
  onChange: (value: number | undefined) => void;
}

/**
 * A number in the format of the browser's language. A native field drops a comma that it does not
 * expect, so that “1,5” becomes 15. This one refuses the text, and says how to write a number.
 */
export function NumberField(props: Props) {
  const { label, isLabelShown = false, value, onChange, isWhole, min, ...input } = props;
  const [typed, setTyped] = useState("");
  const [isTyping, setTyping] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const problemId = useId();
  const read = (text: string) => readNumber(text, { isWhole, min });
  // The value may have changed otherwise: an undone edit changes it, too.
  const known = knownNumber(value);
  const isTyped = knownNumber(read(typed)) === known;
  const text = isTyped ? typed : known === undefined ? "" : numberText.format(known);
  const problem = numberText.findProblem(text, { isWhole, min });
  const shownProblem = isTyping ? undefined : problem;
  useAnnouncement(shownProblem);
  // The form around the field is not submitted.
  useEffect(() => field.current?.setCustomValidity(problem ?? ""), [problem]);

  const control = {
    type: "text",
    inputMode: "decimal",
    autoComplete: "off",
    ...input,
    ...useProblemAttributes(shownProblem && problemId),
    ref: field,
    className: "number-field",
    value: text,
    onChange: ({ target }: ChangeEvent<HTMLInputElement>) => {
      setTyping(true);
      setTyped(target.value);
      onChange(read(target.value));
    },
    onBlur: () => setTyping(false),
  } as const;
  return (
    <>
      {isLabelShown ? (
        <label>
          {label}
          <input {...control} />
        </label>
      ) : (
        <input {...control} aria-label={label} />
      )}
      {shownProblem && (
        <span id={problemId} className="field-problem">
          {shownProblem}
        </span>
      )}
    </>
  );
}

/** Returns the number; undefined for an empty text, NaN for one that is refused. */
function readNumber(text: string, rules: NumberRules): number | undefined {
  if (text.trim() === "") return undefined;
  return numberText.findProblem(text, rules) ? Number.NaN : numberText.parse(text);
}

const knownNumber = (value: number | undefined) => (Number.isNaN(value) ? undefined : value);
