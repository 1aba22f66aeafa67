import * as fc from "fast-check";
import { expect, test } from "vitest";
import { holdBack } from "../../src/graph/hold-back.ts";
import type { Example } from "../../src/lifecycle/test-report.ts";

const numbered = (count: number): readonly Example[] =>
  Array.from({ length: count }, (_, index) => ({ input: { number: index }, expected: index * 2 }));

test.each([[0, 0], [3, 0], [4, 1], [7, 1], [8, 2], [100, 20]])(
  "holdBack of %i examples keeps back %i",
  (count, held) => {
    expect(holdBack(numbered(count)).held_back).toHaveLength(held);
  },
);

test("holdBack divides the same examples alike in any order", () => {
  const examples = numbered(12);
  const before = new Set(holdBack(examples).held_back);
  fc.assert(
    fc.property(fc.shuffledSubarray([...examples], { minLength: 12 }), (shuffled) => {
      expect(new Set(holdBack(shuffled).held_back)).toEqual(before);
    }),
    { numRuns: 30 },
  );
});

test("holdBack shows one of each kind, and loses none", () => {
  const error: Example = { input: { number: -1 }, compare: "error" };
  const examples = [...numbered(9), error];
  const { shown, held_back } = holdBack(examples);
  expect(shown).toContain(error);
  expect([...shown, ...held_back]).toHaveLength(10);
});
