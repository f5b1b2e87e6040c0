import { expect, test } from "vitest";
import { sampleCodes } from "./pattern";

test("each # of a pattern becomes a character, and the rest stays", () => {
  const codes = sampleCodes("VIP-##\\$&", 3);

  expect(codes).toHaveLength(3);
  for (const code of codes) expect(code).toMatch(/^VIP-[2-9A-HJKMNP-Z]{2}\\\$&$/);
});
