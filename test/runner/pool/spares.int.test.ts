import { readdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, test } from "vitest";
import type { ProcessInfo, Runner, SkillProgram } from "../../../src/runner/types.ts";
import { fixtureProgram, processesWith, testRunner, usableSandboxes } from "../support.ts";

const once = (overrides: Partial<SkillProgram> = {}) =>
  fixtureProgram("functions.py", { tools: ["count", "hang", "die"], mode: "one_shot", ...overrides });
const call = (tool: string) => ({ tool, input: {} });

async function untilSpare(runner: Runner): Promise<ProcessInfo> {
  await expect.poll(() => runner.list().map(({ state }) => state)).toEqual(["pending"]);
  return runner.list()[0] as ProcessInfo;
}

describe.each(await usableSandboxes())("a spare in $name", (sandbox) => {
  test("waits after a one-shot call, serves the next one, and is replaced", async () => {
    const runner = testRunner({}, sandbox), controller = new AbortController();
    expect((await runner.call(once(), call("count"))).value).toBe(1);
    const { pid } = await untilSpare(runner);
    expect((await runner.call(once(), call("count"))).value).toBe(1);
    await expect.poll(() => runner.list().map((info) => info.pid)).not.toContain(pid);
    const second = await untilSpare(runner);
    const hanging = runner.call(once(), { ...call("hang"), signal: controller.signal });
    await expect.poll(() => runner.list()).toMatchObject([{ pid: second.pid, state: "running", busy: true }]);
    controller.abort();
    await expect(hanging).rejects.toMatchObject({ code: "cancelled" });
  });

  test("has run no line of the skill", async () => {
    const runner = testRunner({}, sandbox), program = fixtureProgram("marks_import.py", { mode: "one_shot" });
    const request = { tool: "invoke", input: {} };
    expect(Object.keys((await runner.call(program, request)).artifacts)).toEqual(["imported"]);
    await untilSpare(runner);
    const [folder = ""] = readdirSync(runner.scratchRoot);
    expect(readdirSync(join(runner.scratchRoot, folder, "out"))).toEqual([]);
    expect(Object.keys((await runner.call(program, request)).artifacts)).toEqual(["imported"]);
  });

  test("ends when it was not needed for long", async () => {
    const runner = testRunner({ spareMs: 1 }, sandbox);
    await runner.call(once(), call("count"));
    await expect.poll(() => runner.list()).toEqual([]);
    await expect.poll(() => readdirSync(runner.scratchRoot)).toEqual([]);
  });

  test("is not used for a program that differs", async () => {
    const runner = testRunner({}, sandbox), request = { tool: "invoke", input: {} };
    const program = (WORD: string) => fixtureProgram("marks_import.py", { mode: "one_shot", env: { WORD } });
    expect((await runner.call(program("old"), request)).value).toBe("old");
    const { pid } = await untilSpare(runner);
    expect((await runner.call(program("new"), request)).value).toBe("new");
    await expect.poll(() => runner.list().map((info) => info.pid)).not.toContain(pid);
  });

  test("ends with stop and with close", async () => {
    const runner = testRunner({}, sandbox);
    await runner.call(once(), call("count"));
    await untilSpare(runner);
    await runner.stop("functions");
    expect(runner.list()).toEqual([]);
    await runner.call(once(), call("count"));
    await untilSpare(runner);
    await runner.close();
    expect(processesWith(runner.scratchRoot)).toEqual([]);
    expect(readdirSync(runner.scratchRoot)).toEqual([]);
  });
});

describe("spares", () => {
  test("a spare that died is not missed, and its death not held against the skill", async () => {
    const runner = testRunner({ maxRestarts: 0 });
    await runner.call(once(), call("count"));
    process.kill((await untilSpare(runner)).pid, "SIGKILL");
    await expect.poll(() => runner.list()).toEqual([]);
    expect((await runner.call(once(), call("count"))).value).toBe(1);
  });

  test("several wait when asked for, not more than idle processes altogether", async () => {
    const runner = testRunner({ spares: 2, maxIdle: 3 });
    await runner.call(once({ key: "a" }), call("count"));
    await expect.poll(() => runner.list().map(({ state }) => state)).toEqual(["pending", "pending"]);
    await runner.call(once({ key: "b" }), call("count"));
    await expect.poll(() => runner.list().map(({ key }) => key).toSorted()).toEqual(["a", "b", "b"]);
  });

  test("a daemon has none, nor a call without an answer", async () => {
    const runner = testRunner();
    await runner.call(once({ mode: "daemon" }), call("count"));
    await expect(runner.call(once({ key: "dies" }), call("die"))).rejects.toMatchObject({
      code: "process_died",
    });
    expect(runner.list()).toMatchObject([{ key: "functions", state: "running" }]);
  });
});
