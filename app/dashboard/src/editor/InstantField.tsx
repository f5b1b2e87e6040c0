import { useContext, useState } from "react";
import { findStep, LAST_TIME, toInstant, toLocalTime } from "../filter/localTime";
import { useProblemAttributes } from "../ui/fieldProblem";
import { CatalogContext } from "./catalog";

const DEFAULT_ZONE = "UTC";
const MINUTE = 60;

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

/** A day and a time of the project's time zone, to the minute, or as exact as the value. */
export function InstantField({ label, value, onChange }: Props) {
  const timeZone = useTimeZone();
  const localTime = toLocalTime(value, timeZone);
  const [step, setStep] = useState(MINUTE);
  const neededStep = findStep(localTime);
  // Seconds that were shown stay, so that the field keeps its parts while somebody types in them.
  if (neededStep < step) setStep(neededStep);
  return (
    <>
      <input
        type="datetime-local"
        max={LAST_TIME}
        step={step}
        {...useProblemAttributes()}
        aria-label={label}
        value={localTime}
        onChange={({ target }) => onChange(target.value && toInstant(target.value, timeZone))}
      />
      <ZoneName />
    </>
  );
}
