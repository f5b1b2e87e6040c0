import { type AttributeNode, createAttribute, createEvent, type EventNode } from "../filter/node";
import type { AggregateFunction, Operator, TimeWindow } from "../filter/types";
import { PropertyRow } from "./AttributeRow";
import { useCatalog } from "./catalog";
import { useFocusOnCount } from "./focus";
import { ValueField } from "./ValueField";
import { WindowFields } from "./WindowFields";

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

/** How often, or how much, an event happened: with which properties, and when. */
export function EventRow({ node, onChange }: Props) {
  const { events, operators } = useCatalog();
  const { name, within, operator, value } = node.condition;
  const event = events.find((candidate) => candidate.name === name);
  const change = (fields: EventNode["condition"]) =>
    onChange({ ...node, condition: { ...node.condition, ...fields } });

  return (
    <>
      <select
        aria-label="Event"
        value={name ?? ""}
        onChange={({ target }) => onChange({ ...createEvent({ name: target.value }), id: node.id })}
      >
        <option value="" disabled>
          Choose an event
        </option>
        {name && !event && <option value={name}>{name}</option>}
        {events.map((candidate) => (
          <option key={candidate.name} value={candidate.name}>
            {candidate.name}
          </option>
        ))}
      </select>
      {name && (
        <>
          <MeasureFields node={node} onChange={onChange} />
          <select
            aria-label="Comparison"
            value={operator}
            onChange={({ target }) =>
              change({ operator: target.value as Operator, value: undefined })
            }
          >
            {event?.comparisons.map(({ operator: comparison }) => (
              <option key={comparison} value={comparison}>
                {operators.get(comparison)?.label}
              </option>
            ))}
          </select>
          <ValueField
            kind={(operator && operators.get(operator)?.operand) ?? "NUMBER"}
            type="NUMBER"
            value={value}
            onChange={(next) => change({ value: next })}
          />
          <WindowFields within={within} onChange={(next) => onChange(withWindow(node, next))} />
          <WhereFields node={node} onChange={onChange} />
        </>
      )}
    </>
  );
}

function MeasureFields({ node, onChange }: Props) {
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
      <select
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
      </select>
      {aggregate && (
        <select
          aria-label="Measured property"
          value={aggregate.property}
          onChange={({ target }) => chooseProperty(aggregate.function, target.value)}
        >
          <option value="" disabled>
            Choose a property
          </option>
          {properties.map(({ path, label }) => (
            <option key={path} value={path}>
              {label}
            </option>
          ))}
        </select>
      )}
    </>
  );
}

function withWindow(node: EventNode, within: TimeWindow | undefined): EventNode {
  const { within: _, ...condition } = node.condition;
  return { ...node, condition: within ? { ...condition, within } : condition };
}

function WhereFields({ node, onChange }: Props) {
  const { events } = useCatalog();
  const { name = "" } = node.condition;
  const properties = events.find((candidate) => candidate.name === name)?.properties ?? [];
  const changeWhere = (where: AttributeNode[]) => onChange({ ...node, where });
  const fields = useFocusOnCount(node.where.length);
  return (
    <div className="where" ref={fields}>
      {node.where.map((condition) => (
        <div key={condition.id} className="condition">
          where
          <PropertyRow
            node={condition}
            event={name}
            properties={properties}
            onChange={(next) =>
              changeWhere(node.where.map((other) => (other.id === next.id ? next : other)))
            }
          />
          <button
            type="button"
            onClick={() => changeWhere(node.where.filter(({ id }) => id !== condition.id))}
          >
            Remove “where”
          </button>
        </div>
      ))}
      {properties.length > 0 && (
        <button
          type="button"
          data-adds
          onClick={() => changeWhere([...node.where, createAttribute()])}
        >
          + where
        </button>
      )}
    </div>
  );
}
