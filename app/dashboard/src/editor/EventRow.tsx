import { createEvent, type EventNode } from "../filter/node";
import type { Operator, TimeWindow } from "../filter/types";
import { Select } from "../ui/Select";
import { AmountHint } from "./AmountHint";
import { useCatalog } from "./catalog";
import { MeasureFields } from "./MeasureFields";
import { ConditionField } from "./NodeProblems";
import { OperatorOptions } from "./OperatorOptions";
import { ValueField } from "./ValueField";
import { WhereFields } from "./WhereFields";
import { WindowFields } from "./WindowFields";

const EVENT_LABELS = new Map([["order.item", "bought item (order.item)"]]);

interface Props {
  node: EventNode;
  onChange: (node: EventNode) => void;
}

/** How often, or how much, an event happened: with which properties, and when. */
export function EventRow({ node, onChange }: Props) {
  const { events, operators } = useCatalog();
  const { name, within, operator, value, aggregate } = node.condition;
  const event = events.find((candidate) => candidate.name === name);
  const kind = (operator && operators.get(operator)?.operand) ?? "NUMBER";
  const measured = aggregate?.function === "DISTINCT_COUNT" ? undefined : aggregate?.property;
  const change = (fields: EventNode["condition"]) =>
    onChange({ ...node, condition: { ...node.condition, ...fields } });

  return (
    <>
      <ConditionField name="name">
        <Select
          aria-label="Event"
          value={name ?? ""}
          onChange={({ target }) =>
            onChange({ ...createEvent({ name: target.value }), id: node.id })
          }
        >
          <option value="" disabled>
            Choose an event
          </option>
          {name && !event && <option value={name}>{name}</option>}
          {events.map((candidate) => (
            <option key={candidate.name} value={candidate.name}>
              {EVENT_LABELS.get(candidate.name) ?? candidate.name}
            </option>
          ))}
        </Select>
      </ConditionField>
      {name && (
        <>
          <ConditionField name="aggregate">
            <MeasureFields node={node} onChange={onChange} />
          </ConditionField>
          <ConditionField name="operator">
            <Select
              aria-label="Comparison"
              value={operator}
              onChange={({ target }) =>
                change({ operator: target.value as Operator, value: undefined })
              }
            >
              <OperatorOptions
                names={event?.comparisons.map((info) => info.operator) ?? []}
                chosen={operator}
              />
            </Select>
          </ConditionField>
          <ConditionField name="value">
            <AmountHint kind={kind} path={measured} event={name}>
              <ValueField
                kind={kind}
                type="NUMBER"
                value={value}
                onChange={(next) => change({ value: next })}
              />
            </AmountHint>
          </ConditionField>
          <ConditionField name="within">
            <WindowFields within={within} onChange={(next) => onChange(withWindow(node, next))} />
          </ConditionField>
          <WhereFields node={node} onChange={onChange} />
        </>
      )}
    </>
  );
}

function withWindow(node: EventNode, within: TimeWindow | undefined): EventNode {
  const { within: _, ...condition } = node.condition;
  return { ...node, condition: within ? { ...condition, within } : condition };
}
