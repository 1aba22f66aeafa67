import { expect, test } from "vitest";
import { isHealthy } from "../../src/runner/health.ts";
import { fixtureProgram, testRunner } from "./support.ts";

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

test.each(["sick", "hang"])(
  "an idle daemon is ended when its health is %s, which is no crash",
  async (health) => {
    const runner = testRunner({ healthCheckMs: 20, healthTimeoutMs: 100, maxRestarts: 0, stopGraceMs: 100 });
    const { pid } = await runner.start(program(health));
    await expect.poll(() => runner.list().map((info) => info.pid), { timeout: 5000 }).not.toContain(pid);
    expect((await runner.call(program(health), CALL)).value).toBe(0);
  },
);

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
  [{ status: "degraded" }, false],
  [{ status: 1 }, false],
  [{ ok: false }, false],
  [false, false],
])("isHealthy reads %j as %s", (answer, healthy) => {
  expect(isHealthy(answer)).toBe(healthy);
});
