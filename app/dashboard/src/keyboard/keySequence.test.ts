import { expect, test } from "vitest";
import { createKeySequence } from "./keySequence";

test("g and a key soon after it are one shortcut", () => {
  const press = createKeySequence();

  expect(press("s", 0)).toBe("s");
  expect(press("g", 100)).toBe("g");
  expect(press("s", 1_600)).toBe("g s");
  expect(press("s", 1_700)).toBe("s");
});

test("g does nothing to a key long after it, and g g is no prefix", () => {
  const press = createKeySequence();

  press("g", 0);
  expect(press("s", 1_501)).toBe("s");
  press("g", 2_000);
  expect(press("g", 2_100)).toBe("g g");
  expect(press("s", 2_200)).toBe("s");
});
