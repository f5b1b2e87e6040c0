// node audit.mjs URL KEY: runs graphql-http's audits of a server; writes the ids of those that failed
// as JSON, by their status.
import { auditServer } from "graphql-http";

const [url, key] = process.argv.slice(2);
const fetchFn = (target, { headers, ...options } = {}) =>
  fetch(target, { ...options, headers: { ...headers, authorization: `Bearer ${key}` } });

const idsByStatus = {};
for (const { id, status } of await auditServer({ url, fetchFn })) {
  (idsByStatus[status] ??= []).push(id);
}
process.stdout.write(JSON.stringify(idsByStatus));
