import { useQuery } from "@tanstack/react-query";
import { useId } from "react";
import { NumberInput } from "../ui/NumberInput";
import { numberPathsQuery } from "./queries";

/** How many points a rule gives, as in a form: with the texts of both kinds. */
interface PointsText {
  isProportional: boolean;
  points: string;
  every: string;
  path: string;
}

export const EMPTY_POINTS: PointsText = { isProportional: false, points: "", every: "", path: "" };

export function toPointsInput({ isProportional, points, every, path }: PointsText) {
  return isProportional
    ? { proportional: { points: Number(points), every: Number(every), path } }
    : { fixed: Number(points) };
}

interface Props {
  points: PointsText;
  onChange: (points: PointsText) => void;
}

/** The points that a rule gives: a number, or so many for each step of a number in metadata. */
export function PointsFields({ points, onChange }: Props) {
  const change = (fields: Partial<PointsText>) => onChange({ ...points, ...fields });
  const { data: paths } = useQuery(numberPathsQuery);
  const listId = useId();
  return (
    <>
      <NumberInput
        label="Points"
        required
        min={1}
        value={points.points}
        onChange={(points) => change({ points })}
      />
      <label>
        For
        <select
          value={points.isProportional ? "proportional" : "fixed"}
          onChange={({ target }) => change({ isProportional: target.value === "proportional" })}
        >
          <option value="fixed">each entry</option>
          <option value="proportional">each step of a number in metadata</option>
        </select>
      </label>
      {points.isProportional && (
        <>
          <NumberInput
            label="Step"
            required
            min={0}
            isWhole={false}
            value={points.every}
            onChange={(every) => change({ every })}
          />
          <label>
            Number
            <input
              required
              placeholder="metadata.spent"
              list={listId}
              value={points.path}
              onChange={({ target }) => change({ path: target.value })}
            />
          </label>
          <datalist id={listId}>
            {paths?.map((path) => (
              <option key={path} value={path} />
            ))}
          </datalist>
        </>
      )}
    </>
  );
}
