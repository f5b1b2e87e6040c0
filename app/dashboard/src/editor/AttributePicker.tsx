import { useState } from "react";
import { ComboboxField } from "../ui/ComboboxField";
import { formatNumber } from "../ui/formats";
import { type AttributeChoice, findAttributes, rememberPath } from "./attributeSearch";
import { useCatalog } from "./catalog";

const TYPE_NAMES = {
  STRING: "text",
  NUMBER: "number",
  BOOLEAN: "true or false",
  DATE: "date",
  DATETIME: "date and time",
  GEOPOINT: "place",
  OBJECT: "object",
} as const;
// Thousands of attributes would delay each key.
const MAX_SHOWN = 100;

interface Props {
  path: string | undefined;
  onChoose: (path: string) => void;
}

/** A field that searches the attributes of customers, of which the user chooses one. */
export function AttributePicker({ path, onChoose }: Props) {
  const { attributes } = useCatalog();
  const [text, setText] = useState<string | null>(null);
  const choices = text === null ? [] : findAttributes(attributes, text);
  const hiddenCount = choices.length - MAX_SHOWN;
  const chosen = attributes.find((attribute) => attribute.path === path);
  return (
    <ComboboxField
      label="Attribute"
      value={chosen?.label ?? path ?? ""}
      placeholder="Choose an attribute"
      text={text}
      onTextChange={setText}
      items={choices.slice(0, MAX_SHOWN)}
      headingOf={({ heading }) => heading}
      renderItem={renderChoice}
      onChoose={({ attribute }) => {
        rememberPath(attribute.path);
        onChoose(attribute.path);
      }}
    >
      {text !== null && choices.length === 0 && <span className="hint">Nothing found.</span>}
      {hiddenCount > 0 && (
        <span className="hint">{formatNumber(hiddenCount)} more: type to find them.</span>
      )}
    </ComboboxField>
  );
}

function renderChoice({ attribute: { label, path, type } }: AttributeChoice) {
  return (
    <>
      {label}
      <span className="sentence">{`${path}, ${TYPE_NAMES[type]}`}</span>
    </>
  );
}
