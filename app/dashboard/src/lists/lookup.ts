import { requestInChunks } from "../api/chunks";
import { request } from "../api/request";
import { CountCustomers } from "../customers/operations";
import type { Customer } from "../customers/queries";
import { isSourceId } from "../customers/sourceId";
import { formatCount, formatNumber } from "../ui/formats";
import { type Chosen, toConditions, toFilter } from "./chosen";
import type { Entry } from "./entries";
import { FindByEmail, FindBySourceId } from "./operations";

/** What became of the entries: each is found, a duplicate or unknown. */
export interface Lookup {
  /** The customers whom the entries name, each once, in the order of the entries. */
  customers: Customer[];
  /** Entries that name a customer whom an earlier entry names, or repeat an unknown one. */
  duplicateCount: number;
  unknown: Entry[];
  /** Emails that several customers have. Up to 20 of these are found. */
  sharedEmails: string[];
}

/** Finds customers by distinct texts; an unknown text is not in the result. */
type Found = Map<string, Customer[]>;
type Find = (texts: string[], signal: AbortSignal) => Promise<Found>;

/**
 * Finds the customer of each entry: by sourceId, and where there is none, by email, whose case does
 * not count. Calls `onProgress` with a text on how far it has come.
 */
export async function lookUp(
  entries: readonly Entry[],
  signal: AbortSignal,
  onProgress: (progress: string) => void,
): Promise<Lookup> {
  const texts = [...new Set(entries.map(({ text }) => text))].filter(isSourceId);
  const bySourceId = await findInChunks(texts, findBySourceId, signal, (done) =>
    onProgress(`${formatNumber(done)} of ${formatCount(texts.length, "value")}`),
  );
  const emails = texts.filter((text) => !bySourceId.has(text) && text.includes("@"));
  const byEmail = await findInChunks(emails, findByEmail, signal, (done) =>
    onProgress(`${formatNumber(done)} of ${formatCount(emails.length, "email")}`),
  );
  return summarize(entries, new Map([...bySourceId, ...byEmail]));
}

/** Says of each entry whether it is found, a duplicate or unknown. */
export function summarize(entries: readonly Entry[], found: Found): Lookup {
  const customers = new Map<string, Customer>();
  const seenTexts = new Set<string>();
  const unknown: Entry[] = [];
  const sharedEmails: string[] = [];
  let duplicateCount = 0;
  for (const entry of entries) {
    const named = found.get(entry.text);
    const isRepeated = seenTexts.has(entry.text);
    seenTexts.add(entry.text);
    if (isRepeated || named?.every(({ id }) => customers.has(id))) duplicateCount += 1;
    else if (!named) unknown.push(entry);
    if (named && named.length > 1 && !isRepeated) sharedEmails.push(entry.text);
    for (const customer of named ?? []) customers.set(customer.id, customer);
  }
  return { customers: [...customers.values()], duplicateCount, unknown, sharedEmails };
}

/** Returns how many of the customers are in the list because a filter selects them. */
export async function countGroupMembers(
  { groups }: Chosen,
  customers: readonly Customer[],
  signal: AbortSignal,
): Promise<number> {
  if (groups.length === 0) return 0;
  const members = toFilter({ customers: new Map(), groups });
  const counts = await Promise.all(
    toConditions(customers).map(async (condition) => {
      const variables = { search: null, filter: { all: [members, condition] } };
      return (await request(CountCustomers, variables, signal)).customers.totalCount;
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

async function findInChunks(
  texts: readonly string[],
  find: Find,
  signal: AbortSignal,
  onProgress: (done: number) => void,
): Promise<Found> {
  const results = await requestInChunks(texts, (chunk) => find(chunk, signal), signal, onProgress);
  return new Map(results.flatMap((found) => [...found]));
}

const findBySourceId: Find = async (texts, signal) => {
  const refs = texts.map((sourceId) => ({ sourceId }));
  const { customersByRef } = await request(FindBySourceId, { refs }, signal);
  const found: Found = new Map();
  for (const [index, text] of texts.entries()) {
    const customer = customersByRef[index];
    if (customer) found.set(text, [customer]);
  }
  return found;
};

const findByEmail: Find = async (texts, signal) => {
  const { customersByEmail } = await request(FindByEmail, { emails: texts }, signal);
  const found = customersByEmail.filter(({ customers }) => customers.length > 0);
  return new Map(found.map(({ email, customers }) => [email, customers]));
};
