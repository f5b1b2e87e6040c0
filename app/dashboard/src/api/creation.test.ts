import { expect, test, vi } from "vitest";
import { CreateLoyaltyProgram } from "../loyalty/operations";
import { requestCreation } from "./creation";

const DATA = { loyaltyProgramCreate: { userErrors: [] } };

/** Creates a program; returns the idempotency key that is sent. */
async function create(name: string, respond: () => Promise<Response>): Promise<string> {
  let body = "";
  vi.stubGlobal("fetch", (_: string, options: RequestInit) => {
    body = String(options.body);
    return respond();
  });
  await requestCreation(CreateLoyaltyProgram, { input: { name } }).catch(() => null);
  return JSON.parse(body).variables.idempotencyKey;
}

const lose = () => Promise.reject(new TypeError("lost"));
const answer = async () => Response.json({ data: DATA });

test("a creation without an answer is repeated with its key", async () => {
  const key = await create("Points", lose);

  expect(await create("Points", lose)).toBe(key);
  expect(await create("Points", answer)).toBe(key);
  expect(await create("Points", answer)).not.toBe(key);
});

test("another creation has another key", async () => {
  const key = await create("Points", lose);

  expect(await create("Miles", lose)).not.toBe(key);
});
