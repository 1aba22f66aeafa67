import { expect, test } from "vitest";
import { SharedGate } from "../../src/base/shared-gate.ts";

/** A promise that is settled from outside. */
function held(): { readonly done: Promise<void>; end(): void } {
  let end = (): void => {};
  const done = new Promise<void>((resolve) => (end = resolve));
  return { done, end: () => end() };
}

test("SharedGate lets works run side by side, and one alone between those before and those after it", async () => {
  const gate = new SharedGate(), log: string[] = [], first = held(), alone = held();
  const work = (name: string, until: Promise<void>) => async (): Promise<void> => {
    log.push(`${name} begins`);
    await until;
    log.push(`${name} ends`);
  };
  const works = [
    gate.shared("a", work("one", first.done)),
    gate.shared("a", work("two", first.done)),
    gate.alone("a", work("alone", alone.done)),
    gate.alone("a", work("also alone", alone.done)),
    gate.shared("a", work("three", alone.done)),
  ];
  await gate.shared("b", work("other", Promise.resolve()));
  expect(log).toEqual(["one begins", "two begins", "other begins", "other ends"]);
  first.end();
  await works[0];
  alone.end();
  await Promise.all(works);
  const rest = log.slice(6);
  expect(log.slice(4, 6)).toEqual(["one ends", "two ends"]);
  expect(rest.slice(0, 2)).toEqual(["alone begins", "alone ends"]);
  for (const name of ["also alone", "three"]) {
    const begins = rest.indexOf(`${name} begins`);
    expect(rest.indexOf(`${name} ends`)).toBeGreaterThan(begins);
  }
});

test("SharedGate opens again when a work fails", async () => {
  const gate = new SharedGate();
  const fails = (): Promise<never> => Promise.reject(new Error("no"));
  await expect(gate.alone("a", fails)).rejects.toThrow("no");
  await expect(gate.shared("a", fails)).rejects.toThrow("no");
  expect(await gate.alone("a", () => Promise.resolve(1))).toBe(1);
  expect(await gate.shared("a", () => Promise.resolve(2))).toBe(2);
});
