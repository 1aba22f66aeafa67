import { expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../../src/runner/limits.ts";
import { afterDeath, NO_DEATHS, restartDelay } from "../../src/runner/restarts.ts";

function die(times: number, everyMs: number, limits = DEFAULT_LIMITS) {
  let deaths = NO_DEATHS;
  for (let death = 0; death < times; death++) deaths = afterDeath(deaths, death * everyMs, limits);
  return deaths;
}

test("restartDelay doubles from one second to sixty and stays there", () => {
  const limits = { ...DEFAULT_LIMITS, maxRestarts: 100 };
  const delays = [1, 2, 3, 4, 5, 6, 7, 8, 20].map((times) => restartDelay(die(times, 0, limits), 0, limits));
  expect(delays).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
});

test("restartDelay counts the time that has passed since the death", () => {
  expect(restartDelay(die(3, 0), 1500, DEFAULT_LIMITS)).toBe(2500);
  expect(restartDelay(die(3, 0), 4000, DEFAULT_LIMITS)).toBe(0);
});

test("restartDelay allows five restarts and no sixth, however long ago", () => {
  expect(restartDelay(die(5, 0), 0, DEFAULT_LIMITS)).toBe(16_000);
  expect(restartDelay(die(6, 0), 1e9, DEFAULT_LIMITS)).toBeUndefined();
});

test("afterDeath forgets the deaths before a healthy interval", () => {
  expect(die(20, 60_001).count).toBe(1);
  expect(die(5, 60_000).count).toBe(5);
});
