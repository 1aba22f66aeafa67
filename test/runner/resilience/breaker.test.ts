import { beforeEach, expect, test } from "vitest";
import { SkillError } from "../../../src/base/errors.ts";
import { Breaker } from "../../../src/runner/resilience/breaker.ts";
import { FakeClock } from "./fake-clock.ts";

let clock: FakeClock, breaker: Breaker;

beforeEach(() => {
  clock = new FakeClock();
  breaker = new Breaker("s", { failureThreshold: 3, recoveryMs: 60_000 }, clock);
});

function fail(times: number): void {
  for (let time = 0; time < times; time++) breaker.admit()("failed", "process_died");
}

function refusal(): SkillError {
  try {
    breaker.admit();
  } catch (error) {
    if (SkillError.isInstance(error)) return error;
  }
  throw new Error("a call was let through");
}

test("Breaker opens at the threshold and says when it tries again", () => {
  fail(2);
  expect(breaker.status).toBe("closed");
  fail(1);
  clock.time += 20_000;
  expect(refusal()).toMatchObject({
    code: "circuit_open",
    message: '"s" failed 3 times in a row and is left alone: the next try is in 40 s',
    details: { failures: 3, retry_in_ms: 40_000, last_error: "process_died" },
  });
});

test("Breaker counts failures in a row only", () => {
  fail(2);
  breaker.admit()("works");
  fail(2);
  expect(breaker.status).toBe("closed");
});

test("Breaker learns nothing from what says nothing about the skill", () => {
  fail(2);
  breaker.admit()("unknown");
  expect(breaker.status).toBe("closed");
  fail(1);
  expect(breaker.status).toBe("open");
});

test("Breaker lets exactly one call through after the wait, and refuses the others meanwhile", () => {
  fail(3);
  clock.time += 60_000;
  const tell = breaker.admit();
  expect(refusal().details).toMatchObject({ retry_in_ms: 0 });
  expect(refusal().message).toContain("one call is trying it right now");
  tell("works");
  expect(breaker.status).toBe("closed");
  fail(2);
  expect(breaker.status).toBe("closed");
});

test("Breaker waits anew when the one call fails", () => {
  fail(3);
  clock.time += 60_000;
  fail(1);
  expect(refusal().details).toMatchObject({ failures: 4, retry_in_ms: 60_000 });
});

test("Breaker lets another call through when the one showed nothing", () => {
  fail(3);
  clock.time += 60_000;
  breaker.admit()("unknown");
  breaker.admit()("works");
  expect(breaker.status).toBe("closed");
});

test("Breaker ignores calls from before it opened", () => {
  const [early, late] = [breaker.admit(), breaker.admit()];
  fail(3);
  early("works");
  expect(breaker.status).toBe("open");
  clock.time += 60_000;
  const tell = breaker.admit();
  late("failed", "timeout");
  expect(breaker.status).toBe("half_open");
  tell("works");
});

test("Breaker does not mind that the computer's clock is set", () => {
  fail(3);
  const real = Date.now;
  try {
    Date.now = () => real() + 86_400_000;
    expect(refusal().details).toMatchObject({ retry_in_ms: 60_000 });
  } finally {
    Date.now = real;
  }
});
