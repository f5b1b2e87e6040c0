import { expect, test, vi } from "vitest";
import { graphql } from "./graphql";
import { reachability, request, requestPartial } from "./request";

const Read = graphql(`
  query Read {
    viewer {
      keyName
    }
    project {
      currency
    }
  }
`);
const FIELD_ERROR = {
  message: "no currency",
  path: ["project", "currency"],
  extensions: { code: "FORBIDDEN" },
};
const DATA = { viewer: { keyName: "shop" }, project: { currency: null } };

function respondWith(body: object) {
  vi.stubGlobal("fetch", async () => Response.json(body));
}

test("what came stays beside the error of a field", async () => {
  respondWith({ data: DATA, errors: [FIELD_ERROR] });

  expect(await requestPartial(Read, {})).toEqual({
    ...DATA,
    fieldErrors: [{ code: "FORBIDDEN", message: "no currency" }],
  });
  await expect(request(Read, {})).rejects.toThrow("no currency");
});

test("without a root field nothing is shown", async () => {
  respondWith({ data: { ...DATA, project: null }, errors: [FIELD_ERROR] });
  await expect(requestPartial(Read, {})).rejects.toThrow("no currency");

  respondWith({ errors: [{ message: "too deep" }] });
  await expect(requestPartial(Read, {})).rejects.toThrow("too deep");
});

test("a server that does not answer is known until it answers", async () => {
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("refused")));
  await expect(request(Read, {})).rejects.toThrow("The server does not answer.");
  expect(reachability.get()).toBe(false);

  respondWith({ data: DATA });
  expect(await request(Read, {})).toEqual(DATA);
  expect(reachability.get()).toBe(true);
});
