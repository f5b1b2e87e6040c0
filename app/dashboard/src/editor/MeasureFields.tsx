import type { EventNode } from "../filter/node";
import type { AggregateFunction } from "../filter/types";
import { Select } from "../ui/Select";
import { useCatalog } from "./catalog";

const MEASURES = {
  SUM: "the sum of",
  AVG: "the average of",
  MIN: "the least",
  MAX: "the greatest",
  DISTINCT_COUNT: "the number of different",
} as const;

interface Props {
  node: EventNode;
  onChange: (node: EventNode) => void;
}

/** What is computed from the events: their number, or a function of a property. */
export function MeasureFields({ node, onChange }: Props) {
  const { events } = useCatalog();
  const { aggregate, ...condition } = node.condition;
  const properties = events.find(({ name }) => name === condition.name)?.properties ?? [];

  function chooseFunction(name: string) {
    if (!name) onChange({ ...node, condition });
    else chooseProperty(name as AggregateFunction, aggregate?.property ?? "");
  }
  function chooseProperty(name: AggregateFunction, property: string) {
    onChange({ ...node, condition: { ...condition, aggregate: { function: name, property } } });
  }

  return (
    <>
      <Select
        aria-label="Measure"
        value={aggregate?.function ?? ""}
        onChange={({ target }) => chooseFunction(target.value)}
      >
        <option value="">how often</option>
        {Object.entries(MEASURES).map(([name, words]) => (
          <option key={name} value={name}>
            {words}
          </option>
        ))}
      </Select>
      {aggregate && (
        <Select
          aria-label="Measured property"
          value={aggregate.property}
          onChange={({ target }) => chooseProperty(aggregate.function, target.value)}
        >
          <option value="" disabled>
            Choose a property
          </option>
          {aggregate.property && !properties.some(({ path }) => path === aggregate.property) && (
            <option value={aggregate.property}>{aggregate.property}</option>
          )}
          {properties.map(({ path, label }) => (
            <option key={path} value={path}>
              {label}
            </option>
          ))}
        </Select>
      )}
    </>
  );
}
