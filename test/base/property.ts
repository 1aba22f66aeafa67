// fast-check properties as vitest tests.
import fc from "fast-check";
import { test as vitestTest } from "vitest";

export { fc };

/** A property that must hold for generated values. */
export function test<T>(name: string, arbitrary: fc.Arbitrary<T>, holds: (value: T) => void): void {
  vitestTest(name, () => fc.assert(fc.property(arbitrary, holds)));
}
