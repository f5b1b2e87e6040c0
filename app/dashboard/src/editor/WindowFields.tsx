import type { TimeWindow } from "../filter/types";
import { DurationField } from "./ValueField";

const WINDOW_NAMES = {
  last: "within the last",
  ago: "in a span of days ago",
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
      <select
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
      </select>
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
          label="Days ago, at most"
          value={from}
          onChange={(next) => onChange({ ago: { from: toText(next), to } })}
        />
        to
        <DurationField
          label="Days ago, at least"
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
      <span className="hint">in your time zone</span>
    </>
  );
}

interface InstantFieldProps {
  label: string;
  /** RFC 3339, or empty. */
  value: string;
  onChange: (value: string) => void;
}

function InstantField({ label, value, onChange }: InstantFieldProps) {
  return (
    <input
      type="datetime-local"
      aria-label={label}
      value={value && toLocalTime(new Date(value))}
      onChange={({ target }) => onChange(target.value && new Date(target.value).toISOString())}
    />
  );
}

/** Returns the instant as the field takes it: YYYY-MM-DDThh:mm in the time zone of the browser. */
function toLocalTime(instant: Date): string {
  const shifted = new Date(instant.getTime() - instant.getTimezoneOffset() * 60_000);
  return Number.isNaN(shifted.getTime()) ? "" : shifted.toISOString().slice(0, 16);
}

function kindOf(within: TimeWindow): WindowKind {
  if ("last" in within) return "last";
  return "ago" in within ? "ago" : "between";
}

const toText = (value: unknown) => String(value ?? "");
