import { PERIODS, readKey } from "../filter/operands";
import type { OperandKind } from "../filter/types";
import { isExact } from "../filter/values";
import { Select } from "../ui/Select";
import type { AttributeType } from "./catalog";
import { DurationField } from "./DurationField";
import { ListField } from "./ListField";
import type { Source } from "./Suggestions";
import { NumberValueField, ScalarField } from "./scalarFields";

export interface ValueFieldProps {
  kind: OperandKind;
  type: AttributeType;
  value: unknown;
  onChange: (value: unknown) => void;
  /** Where suggestions for the value come from. */
  source?: Source | undefined;
  allowedValues?: readonly unknown[] | null | undefined;
}

/** The controls for the value of a condition, and why it can't be sent, if so. */
export function ValueField(props: ValueFieldProps) {
  return (
    <>
      <OperandField {...props} />
      {!isExact(props.value) && (
        <span className="field-problem">
          A browser does not keep all digits of such a number. Use the API for it.
        </span>
      )}
    </>
  );
}

/** The controls by what the operator takes. */
function OperandField({ kind, type, value, onChange, source, allowedValues }: ValueFieldProps) {
  const scalar = { type, value, onChange, source, allowedValues };
  switch (kind) {
    case "NOTHING":
      return null;
    case "LIST":
    case "ELEMENTS":
      return <ListField label="Values" {...scalar} />;
    case "NUMBER":
      return <NumberValueField label="Value" value={value} onChange={onChange} />;
    case "INTEGER":
      return <NumberValueField label="Value" isWhole value={value} onChange={onChange} />;
    case "DAYS":
      return <NumberValueField label="Days" isWhole value={value} onChange={onChange} />;
    case "RANGE":
      return <PairField {...scalar} labels={["From", "To"]} />;
    case "YEARS":
      return (
        <PairField {...scalar} type="NUMBER" isWhole labels={["Years, at least", "at most"]} />
      );
    case "CALENDAR_DAY":
      return <ScalarField label="Day" {...scalar} type="DATE" />;
    case "DURATION":
      return <DurationField value={value} onChange={onChange} />;
    case "PERIOD":
      return <PeriodField value={value} onChange={onChange} />;
    case "CIRCLE":
      return <CircleField value={value} onChange={onChange} />;
    case "NON_EMPTY_TEXT":
      return <ScalarField label="Text" {...scalar} type="STRING" />;
    default:
      return <ScalarField label="Value" {...scalar} />;
  }
}

type FieldProps = Pick<ValueFieldProps, "value" | "onChange">;

interface PairFieldProps extends Omit<ValueFieldProps, "kind"> {
  labels: [string, string];
  isWhole?: boolean;
}

/** Two values, of which the second is the upper bound. A single number stands for both. */
function PairField({ labels, type, isWhole, value, onChange }: PairFieldProps) {
  const [low, high] = Array.isArray(value) ? value : [value, value];
  return (
    <>
      <ScalarField
        label={labels[0]}
        type={type}
        isWhole={isWhole}
        value={low}
        onChange={(next) => onChange([next ?? null, high ?? null])}
      />
      <ScalarField
        label={labels[1]}
        type={type}
        isWhole={isWhole}
        value={high}
        onChange={(next) => onChange([low ?? null, next ?? null])}
      />
    </>
  );
}

function PeriodField({ value, onChange }: FieldProps) {
  return (
    <Select
      aria-label="Period"
      value={String(value ?? "")}
      onChange={(event) => onChange(event.target.value || undefined)}
    >
      <option value="">Choose a period</option>
      {PERIODS.map((period) => (
        <option key={period} value={period}>
          {period.toLowerCase().replace("_", " ")}
        </option>
      ))}
    </Select>
  );
}

const CIRCLE_KEYS = [
  ["lat", "Latitude"],
  ["lon", "Longitude"],
  ["meters", "Meters"],
] as const;

function CircleField({ value, onChange }: FieldProps) {
  return CIRCLE_KEYS.map(([key, label]) => (
    <NumberValueField
      key={key}
      label={label}
      value={readKey(value, key)}
      onChange={(next) => onChange({ ...(value as object | undefined), [key]: next })}
    />
  ));
}
