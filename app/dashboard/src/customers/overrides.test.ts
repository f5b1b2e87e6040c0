import { expect, test } from "vitest";
import { toOverrides } from "./overrides";

test("changes become nested objects, and unfinished ones are left out", () => {
  const changes = [
    { id: "1", path: "name", value: "Anna" },
    { id: "2", path: "address.city", value: "Berlin" },
    { id: "3", path: "address.country", value: "DE" },
    { id: "4", path: "metadata.vip", value: false },
    { id: "5", path: "events.shop.visit.count", value: 0 },
    { id: "6", path: "phone", value: undefined },
    { id: "7", path: "", value: 1 },
    { id: "8", path: "metadata.age", value: Number.NaN },
  ];

  expect(toOverrides(changes)).toEqual({
    name: "Anna",
    address: { city: "Berlin", country: "DE" },
    metadata: { vip: false },
    events: { "shop.visit": { count: 0 } },
  });
  expect(toOverrides(changes.slice(5))).toBeNull();
});
