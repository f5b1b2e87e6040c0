import { initGraphQLTada } from "gql.tada";
import type { introspection } from "../../graphql-env.d.ts";

export type { ResultOf, TadaDocumentNode, VariablesOf } from "gql.tada";

/** Makes a typed document of an operation. `npm run check` checks it against the schema. */
export const graphql = initGraphQLTada<{
  introspection: introspection;
  disableMasking: true;
  scalars: {
    Date: string;
    DateTime: string;
    Duration: string;
    JSON: unknown;
    Long: number;
  };
}>();
