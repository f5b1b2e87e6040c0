import { useContext } from "react";
import { LAST_TIME, toInstant, toLocalTime } from "../filter/localTime";
import { useProblemAttributes } from "../ui/fieldProblem";
import { CatalogContext } from "./catalog";

const DEFAULT_ZONE = "UTC";

const useTimeZone = () => useContext(CatalogContext)?.timeZone ?? DEFAULT_ZONE;

/** The name of the project's time zone, in which the API reads days and the page shows times. */
export function ZoneName() {
  return <span className="hint">{useTimeZone()} time</span>;
}

interface Props {
  label: string;
  /** RFC 3339, or empty. */
  value: string;
  onChange: (value: string) => void;
}

/** A day and a time of the project's time zone. */
export function InstantField({ label, value, onChange }: Props) {
  const timeZone = useTimeZone();
  return (
    <>
      <input
        type="datetime-local"
        max={LAST_TIME}
        {...useProblemAttributes()}
        aria-label={label}
        value={toLocalTime(value, timeZone)}
        onChange={({ target }) => onChange(target.value && toInstant(target.value, timeZone))}
      />
      <ZoneName />
    </>
  );
}
