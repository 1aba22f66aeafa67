import { expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../../../src/runner/limits/limits.ts";
import { afterDeath, NO_DEATHS, restartDelay } from "../../../src/runner/pool/restarts.ts";
import type { RunnerLimits } from "../../../src/runner/types.ts";

function die(times: number, everyMs: number, limits = DEFAULT_LIMITS) {
  let deaths = NO_DEATHS;
  for (let death = 0; death < times; death++) deaths = afterDeath(deaths, death * everyMs, limits);
  return deaths;
}

/** What a skill waits for that dies as soon as it is started, on a clock that only these waits move. */
function waits(limits: Partial<RunnerLimits>): readonly number[] {
  const all = { ...DEFAULT_LIMITS, ...limits }, waited: number[] = [];
  for (let deaths = NO_DEATHS, now = 0;;) {
    deaths = afterDeath(deaths, now, all);
    const wait = restartDelay(deaths, now, all);
    if (wait === undefined) return waited;
    waited.push(wait);
    now += wait;
  }
}

test("restartDelay doubles from one second to sixty and stays there", () => {
  const seconds = waits({ maxRestarts: 9 }).map((wait) => wait / 1000);
  expect(seconds).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
});

test("restartDelay allows no more restarts than asked for, though the waits are longer than a healthy interval", () => {
  expect(waits({})).toEqual([1000, 2000, 4000, 8000, 16_000]);
  expect(waits({ healthyMs: 1, maxRestarts: 7 })).toHaveLength(7);
  expect(waits({ maxRestarts: 0 })).toEqual([]);
});

test.each([
  [[5000], [5000, 5000, 5000]],
  [[1000, 3000], [1000, 2000, 3000]],
  [[1000, 1000, 60_000], [1000, 1000, 2000]],
])("waits %j become %j", (backoffMs, expected) => {
  expect(waits({ backoffMs, maxRestarts: 3 })).toEqual(expected);
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
  const { healthyMs } = DEFAULT_LIMITS;
  expect(die(20, 60_000 + healthyMs + 1).count).toBe(1);
  expect(afterDeath(die(2, 0), 2000 + healthyMs, DEFAULT_LIMITS).count).toBe(3);
  expect(afterDeath(die(2, 0), 2000 + healthyMs + 1, DEFAULT_LIMITS).count).toBe(1);
});
