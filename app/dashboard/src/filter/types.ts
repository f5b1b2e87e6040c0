import type { graphql } from "../api/graphql";

type Named<Name extends "Operator" | "OperandKind" | "AggregateFunction"> = ReturnType<
  typeof graphql.scalar<Name>
>;
export type Operator = Named<"Operator">;
export type OperandKind = Named<"OperandKind">;
export type AggregateFunction = Named<"AggregateFunction">;

export interface AttributeCondition {
  path: string;
  operator: Operator;
  value?: unknown;
  ignoreCase?: boolean;
}

export type TimeWindow =
  | { last: string }
  | { between: { from: string; to: string } }
  | { ago: { from: string; to: string } };

export interface EventCondition {
  name: string;
  where?: AttributeCondition[];
  within?: TimeWindow;
  aggregate?: { function: AggregateFunction; property: string };
  operator?: Operator;
  value?: unknown;
}

/** The API's FilterInput, which `Segment.filter` has as JSON, too. */
export type Filter =
  | { all: Filter[] }
  | { any: Filter[] }
  | { none: Filter[] }
  | { attribute: AttributeCondition }
  | { event: EventCondition }
  | { segment: { id: string; member?: boolean } };
