import type { TimeWindow } from "../filter/types";
import { Select } from "../ui/Select";
import { DurationField } from "./DurationField";
import { InstantField } from "./InstantField";

const WINDOW_NAMES = {
  last: "within the last",
  ago: "in the span",
  between: "between two times",
} as const;

type WindowKind = keyof typeof WINDOW_NAMES;

const START_WINDOWS: Record<WindowKind, TimeWindow> = {
  last: { last: "P30D" },
  ago: { ago: { from: "P60D", to: "P30D" } },
  between: { between: { from: "", to: "" } },
};

interface Props {
  within: TimeWindow | undefined;
  onChange: (within: TimeWindow | undefined) => void;
}

/** The time in which events count. */
export function WindowFields({ within, onChange }: Props) {
  return (
    <>
      <Select
        aria-label="Time"
        value={within ? kindOf(within) : ""}
        onChange={({ target }) =>
          onChange(target.value ? START_WINDOWS[target.value as WindowKind] : undefined)
        }
      >
        <option value="">at any time</option>
        {Object.entries(WINDOW_NAMES).map(([kind, name]) => (
          <option key={kind} value={kind}>
            {name}
          </option>
        ))}
      </Select>
      {within && <BoundFields within={within} onChange={onChange} />}
    </>
  );
}

function BoundFields({ within, onChange }: { within: TimeWindow; onChange: Props["onChange"] }) {
  if ("last" in within) {
    return (
      <DurationField value={within.last} onChange={(last) => onChange({ last: toText(last) })} />
    );
  }
  if ("ago" in within) {
    const { from, to } = within.ago;
    return (
      <>
        from
        <DurationField
          label="Ago, at most"
          value={from}
          onChange={(next) => onChange({ ago: { from: toText(next), to } })}
        />
        to
        <DurationField
          label="Ago, at least"
          value={to}
          onChange={(next) => onChange({ ago: { from, to: toText(next) } })}
        />
        ago
      </>
    );
  }
  const { from, to } = within.between;
  return (
    <>
      <InstantField
        label="From"
        value={from}
        onChange={(next) => onChange({ between: { from: next, to } })}
      />
      and
      <InstantField
        label="To"
        value={to}
        onChange={(next) => onChange({ between: { from, to: next } })}
      />
    </>
  );
}

function kindOf(within: TimeWindow): WindowKind {
  if ("last" in within) return "last";
  return "ago" in within ? "ago" : "between";
}

const toText = (value: unknown) => String(value ?? "");
