import * as fc from "fast-check";
import { expect, test } from "vitest";
import { meanVector, normalised, VectorTable } from "../../src/discovery/vectors.ts";

test("normalised gives length 1, and zeros for zeros", () => {
  expect([...normalised([3, 4])]).toEqual([Math.fround(0.6), Math.fround(0.8)]);
  expect([...normalised([0, 0])]).toEqual([0, 0]);
});

test("meanVector of one vector is that vector, of several the normalised mean", () => {
  const one = Float32Array.of(1, 0);
  expect(meanVector([one])).toBe(one);
  const [x, y] = meanVector([one, Float32Array.of(0, 1)]);
  expect(x).toBeCloseTo(Math.SQRT1_2);
  expect(y).toBeCloseTo(Math.SQRT1_2);
});

test("VectorTable.best gives the plain maximum of the dot products for any number of dimensions", () => {
  const vector = (dimensions: number) =>
    fc.float32Array({ minLength: dimensions, maxLength: dimensions, min: -0.25, max: 0.25, noNaN: true });
  const cases = fc.integer({ min: 1, max: 9 }).chain((dimensions) =>
    fc.record({
      query: vector(dimensions),
      rows: fc.array(fc.tuple(vector(dimensions), fc.nat(3)), { minLength: 1, maxLength: 12 }),
    })
  );
  fc.assert(
    fc.property(cases, ({ query, rows }) => {
      const owned = [0, 1, 2, 3].map((owner) => rows.filter(([, of]) => of === owner).map(([row]) => row));
      const table = new VectorTable(owned, query.length);
      const { cosine, row: bestRow } = table.best(query);
      for (let owner = 0; owner < 4; owner++) {
        const dots = rows.map(([row, of]) =>
          of === owner ? row.reduce((sum, value, at) => sum + value * (query[at] ?? 0), 0) : -Infinity
        );
        const most = Math.max(...dots);
        expect((bestRow[owner] ?? 0) < 0).toBe(most === -Infinity);
        expect(cosine[owner]).toBeCloseTo(Math.max(most, -1), 4);
      }
    }),
    { numRuns: 100 },
  );
});
