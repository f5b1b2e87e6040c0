import { queryOptions } from "@tanstack/react-query";
import { createContext, useContext } from "react";
import type { ResultOf } from "../api/graphql";
import { request } from "../api/request";
import type { Operands } from "../filter/send";
import type { Operator } from "../filter/types";
import { ReadCatalog } from "./operations";

const CATALOG_STALE_MS = 60_000;

type CatalogData = ResultOf<typeof ReadCatalog>;
export type OperatorInfo = CatalogData["filterOperators"][number];
export type EventInfo = CatalogData["filterEvents"][number];
/** What a condition can compare: an attribute of customers, or a property of an event. */
export type AttributeInfo = EventInfo["properties"][number];
export type AttributeType = AttributeInfo["type"];

/** What filters can be made of. */
export interface Catalog {
  attributes: CatalogData["filterAttributes"];
  events: EventInfo[];
  operators: ReadonlyMap<Operator, OperatorInfo>;
  operands: Operands;
  /** The time zone of the project, in which filters have their days. */
  timeZone: string;
}

export const catalogQuery = queryOptions({
  queryKey: ["catalog"],
  queryFn: async ({ signal }) => toCatalog(await request(ReadCatalog, {}, signal)),
  staleTime: CATALOG_STALE_MS,
});

function toCatalog(data: CatalogData): Catalog {
  return {
    attributes: data.filterAttributes,
    events: data.filterEvents,
    operators: new Map(data.filterOperators.map((info) => [info.operator, info])),
    operands: new Map(data.filterOperators.map((info) => [info.operator, info.operand])),
    timeZone: data.project.timeZone,
  };
}

export const CatalogContext = createContext<Catalog | null>(null);

export function useCatalog(): Catalog {
  const catalog = useContext(CatalogContext);
  if (!catalog) throw new Error("the editor has no catalog");
  return catalog;
}
