// node generate.mjs URL KEY: generates the types of the example operations with graphql-codegen, which
// reads the schema from the API, into the folder `generated`.
import { generate } from "@graphql-codegen/cli";

const [url, key] = process.argv.slice(2);
await generate({
  schema: [{ [url]: { headers: { authorization: `Bearer ${key}` } } }],
  documents: ["../../../graphql-schema/operations/*.graphql"],
  generates: { "generated/": { preset: "client" } },
});
