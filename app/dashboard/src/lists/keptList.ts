import { useEffect, useState } from "react";
import { readJson, removeByPrefix, tabStorage, writeJson } from "../api/browserStorage";
import { splitIntoChunks } from "../api/chunks";
import type { Customer } from "../customers/queries";
import { type Chosen, createGroup, isNobody, type ListFilter, toChosen } from "./chosen";

const PREFIX = "segments:draft:list:";
const CUSTOMERS_PER_CHUNK = 1_000;
const TYPING_PAUSE_MS = 500;

/** A fixed list that is not created yet. */
export interface ListDraft {
  name: string;
  description: string;
  chosen: Chosen;
}

type KeptCustomer = [id: string, sourceId: string, name: string | null, email: string | null];

interface KeptHead {
  name: string;
  description: string;
  groups: { filter: ListFilter; excluded: KeptCustomer[] }[];
  chunkCount: number;
}

/** Returns the list that this tab keeps of those with this scope; null if it keeps none. */
export function readKeptList(scope: string): ListDraft | null {
  try {
    const head = readJson(tabStorage, PREFIX + scope) as KeptHead | null;
    if (!head) return null;
    const chunks = [...Array(head.chunkCount).keys()].map(
      (index) => readJson(tabStorage, chunkName(scope, index)) as KeptCustomer[],
    );
    const customers = toChosen(chunks.flat().map(fromKept)).customers;
    const groups = head.groups.map(({ filter, excluded }) =>
      createGroup(filter, excluded.map(fromKept)),
    );
    const { name, description } = head;
    return { name, description, chosen: { customers, groups } };
  } catch {
    return null;
  }
}

export function forgetList(scope: string): void {
  tabStorage.removeItem(PREFIX + scope);
  removeByPrefix(tabStorage, `${PREFIX}${scope}:`);
}

/**
 * Returns a function that keeps a list for as long as the tab is open. It returns false if the
 * storage of the browser has no room.
 */
export function createListKeeper(scope: string): (draft: ListDraft) => boolean {
  let written: Customer[][] = [];

  return ({ name, description, chosen }) => {
    if (!name && !description && isNobody(chosen)) {
      forgetList(scope);
      written = [];
      return true;
    }
    const chunks = splitIntoChunks([...chosen.customers.values()], CUSTOMERS_PER_CHUNK);
    const groups = chosen.groups.map(({ filter, excluded }) => ({
      filter,
      excluded: [...excluded.values()].map(toKept),
    }));
    const head: KeptHead = { name, description, groups, chunkCount: chunks.length };
    const isKept =
      chunks.every(
        (chunk, index) =>
          isSame(chunk, written[index]) ||
          writeJson(tabStorage, chunkName(scope, index), chunk.map(toKept)),
      ) && writeJson(tabStorage, PREFIX + scope, head);
    if (!isKept) forgetList(scope);
    written = isKept ? chunks : [];
    return isKept;
  };
}

/** Keeps the list when the user pauses. Returns whether the browser has room for it. */
export function useKeptList(scope: string, draft: ListDraft, unchanged: ListDraft): boolean {
  const [keep] = useState(() => createListKeeper(scope));
  const [isKept, setKept] = useState(true);
  useEffect(() => {
    if (draft === unchanged) return;
    const keepNow = () => setKept(keep(draft));
    const timer = setTimeout(keepNow, TYPING_PAUSE_MS);
    window.addEventListener("pagehide", keepNow);
    return () => {
      clearTimeout(timer);
      window.removeEventListener("pagehide", keepNow);
    };
  }, [keep, draft, unchanged]);
  return isKept;
}

const isSame = (chunk: readonly Customer[], other: readonly Customer[] | undefined) =>
  chunk.length === other?.length && chunk.every((customer, index) => customer === other[index]);

const toKept = ({ id, sourceId, name, email }: Customer): KeptCustomer => [
  id,
  sourceId,
  name,
  email,
];

const fromKept = ([id, sourceId, name, email]: KeptCustomer): Customer => ({
  id,
  sourceId,
  name,
  email,
});

const chunkName = (scope: string, index: number) => `${PREFIX}${scope}:${index}`;
