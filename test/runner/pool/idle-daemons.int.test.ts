import { describe, expect, test } from "vitest";
import type { SkillError } from "../../../src/base/errors.ts";
import { isHealthy } from "../../../src/runner/process/health.ts";
import type { Runner } from "../../../src/runner/types.ts";
import { fixtureProgram, testRunner } from "../support.ts";

const program = (HEALTH: string) => fixtureProgram("stdio_health.py", { env: { HEALTH } });
const CALL = { tool: "invoke", input: {} };

test("a daemon that nobody calls for long is ended, and the next call starts it anew", async () => {
  const runner = testRunner({ idleMs: 50, maxRestarts: 0 });
  await runner.call(program("ok"), CALL);
  await expect.poll(() => runner.list()).toEqual([]);
  await runner.call(program("ok"), CALL);
});

test("an idle daemon that is well is asked again and again, and stays", async () => {
  const runner = testRunner({ healthCheckMs: 20 });
  const { pid } = await runner.start(program("ok"));
  await expect.poll(async () => (await runner.call(program("ok"), CALL)).value, {
    timeout: 10_000,
    interval: 150,
  })
    .toBeGreaterThan(1);
  expect(runner.list().map((info) => info.pid)).toContain(pid);
});

test("an idle daemon is ended in its time although it is asked for its health", async () => {
  const runner = testRunner({ healthCheckMs: 20, idleMs: 200 });
  await runner.start(program("ok"));
  await expect.poll(() => runner.list()).toEqual([]);
});

/** Resolves with the error of a skill that counts as unstable. */
function untilUnstable(runner: Runner): Promise<SkillError> {
  return new Promise((resolve) => runner.on("unstable", ({ error }) => resolve(error)));
}

test.each([
  ["sick", /is not well: it answered {"status":"sick"}/],
  ["hang", /"health" did not end within 100 ms/],
])("an idle daemon whose health is %s has failed: it is ended and counted", async (health, message) => {
  const runner = testRunner({ healthCheckMs: 20, healthTimeoutMs: 100, maxRestarts: 0 });
  const unstable = untilUnstable(runner);
  const { pid } = await runner.start(program(health));
  expect((await unstable).message).toMatch(message);
  expect(runner.list().map((info) => info.pid)).not.toContain(pid);
  await expect(runner.call(program(health), CALL)).rejects.toMatchObject({ code: "start_failed" });
});

test("a daemon that fell ill is started again after its wait", async () => {
  const runner = testRunner({ healthCheckMs: 20, backoffMs: [1] });
  const { pid } = await runner.start(program("sick"));
  await expect.poll(() => runner.list().map((info) => info.pid), { timeout: 5000 }).not.toContain(pid);
  expect((await runner.call(program("sick"), CALL)).value).toBe(0);
});

test("a health question of a caller that gets no answer in time fails the process", async () => {
  const runner = testRunner({ maxRestarts: 0 });
  const unstable = untilUnstable(runner);
  const hanging = program("hang");
  await runner.start(hanging);
  await expect(runner.health({ ...hanging, call_timeout_ms: 100 })).rejects.toMatchObject({
    code: "timeout",
  });
  expect((await unstable).code).toBe("start_failed");
});

describe.each([false, true])("a tool for health, with calls that overlap: %s", (concurrent) => {
  const watched = (health: string) =>
    fixtureProgram("health_tool.py", { tools: ["invoke", "probe", "down"], health, concurrent });

  test("is what an idle daemon is asked", async () => {
    const runner = testRunner({ healthCheckMs: 20 });
    const { pid } = await runner.start(watched("probe"));
    await expect.poll(async () => (await runner.call(watched("probe"), CALL)).value, {
      timeout: 10_000,
      interval: 100,
    })
      .toBeGreaterThan(1);
    expect(runner.list().map((info) => info.pid)).toContain(pid);
    expect(await runner.health(watched("probe"))).toBe("ok");
  });

  test("fails the process when it says anything but that all is well", async () => {
    const runner = testRunner({ healthCheckMs: 20, maxRestarts: 0 });
    const unstable = untilUnstable(runner);
    await runner.start(watched("down"));
    expect((await unstable).message).toContain('it answered "database gone"');
  });
});

test("a skill is asked as often as it says, and never when it says so", async () => {
  const often = testRunner({ healthCheckMs: 60_000, maxRestarts: 0 }), unstable = untilUnstable(often);
  await often.start({ ...program("sick"), health_check_ms: 20 });
  expect((await unstable).message).toContain("sick");
  const never = testRunner({ healthCheckMs: 20 }), well = { ...program("ok"), key: "well" };
  const sick = { ...program("sick"), health_check_ms: false as const };
  await never.start(sick);
  await never.start(well);
  await expect.poll(async () => (await never.call(well, CALL)).value, { timeout: 10_000, interval: 100 })
    .toBeGreaterThan(1);
  expect((await never.call(sick, CALL)).value).toBe(0);
});

test("a daemon is not asked before it is time", async () => {
  const runner = testRunner({ healthCheckMs: 60_000 });
  await runner.start(program("sick"));
  expect((await runner.call(program("sick"), CALL)).value).toBe(0);
  expect(runner.list()).toHaveLength(1);
});

test.each([
  [{ status: "ok" }, true],
  [{ status: "Healthy" }, true],
  [{}, true],
  [true, true],
  ["ok", true],
  ["down", false],
  [{ status: "ready" }, false],
  [{ status: "degraded" }, false],
  [{ status: 1 }, false],
  [{ ok: false }, false],
  [false, false],
])("isHealthy reads %j as %s", (answer, healthy) => {
  expect(isHealthy(answer)).toBe(healthy);
});
