import { existsSync, readdirSync } from "node:fs";
import process from "node:process";
import { setImmediate } from "node:timers";
import { describe, expect, test } from "vitest";
import type { RunnerEvents, SkillProgram } from "../../src/runner/types.ts";
import { createSandbox } from "../../src/sandbox/create-sandbox.ts";
import { fixtureProgram, processesWith, testRunner } from "./support.ts";

const TOOLS = ["count", "hang", "die", "die_when", "segfault", "echo", "background", "flood_notifications"];
const program = (overrides: Partial<SkillProgram> = {}) =>
  fixtureProgram("functions.py", { tools: TOOLS, ...overrides });
const call = (tool: string, input = {}) => ({ tool, input });

describe("daemons", () => {
  test("one process serves calls one after the other", async () => {
    const runner = testRunner();
    for (const expected of [1, 2, 3]) {
      expect((await runner.call(program(), call("count"))).value).toBe(expected);
    }
    expect(runner.list()).toMatchObject([{ id: "functions", state: "running", busy: false, calls: 3 }]);
  });

  test("overlapping calls get processes of their own, up to the limit, the rest wait", async () => {
    const runner = testRunner({ maxConcurrent: 2 });
    const values = await Promise.all([1, 2, 3, 4, 5, 6].map(() => runner.call(program(), call("count"))));
    expect(runner.list()).toHaveLength(2);
    expect(values.reduce((sum, { value }) => sum + (value === 1 ? 1 : 0), 0)).toBe(2);
  });

  test("a skill waits for its own slots and holds up no other", async () => {
    const runner = testRunner({ maxConcurrentPerSkill: 1 }), controller = new AbortController();
    const hanging = runner.call(program(), { ...call("hang"), signal: controller.signal }).catch(() => {});
    await expect.poll(() => runner.list().some(({ busy, state }) => busy && state === "running")).toBe(true);
    const waiting = runner.call(program(), call("count"));
    expect((await runner.call(program({ id: "other", key: "other" }), call("count"))).value).toBe(1);
    expect(runner.list().filter(({ id }) => id === "functions")).toHaveLength(1);
    controller.abort();
    await hanging;
    expect((await waiting).value).toBe(1);
  });

  test("different keys never share a process", async () => {
    const runner = testRunner();
    await runner.call(program({ key: "a" }), call("count"));
    expect((await runner.call(program({ key: "b" }), call("count"))).value).toBe(1);
    expect(runner.list().map(({ key }) => key).toSorted()).toEqual(["a", "b"]);
  });

  test("the longest idle process ends when too many are kept", async () => {
    const runner = testRunner({ maxIdle: 1 });
    await runner.call(program({ key: "a" }), call("count"));
    await runner.call(program({ key: "b" }), call("count"));
    await expect.poll(() => runner.list().map(({ key }) => key)).toEqual(["b"]);
  });

  test("start makes the process that the next call uses", async () => {
    const runner = testRunner();
    const { pid } = await runner.start(program());
    await runner.call(program(), call("count"));
    expect(runner.list().map((info) => info.pid)).toEqual([pid]);
  });

  test("stop ends the processes of a key; a call on one of them ends as closed", async () => {
    const runner = testRunner();
    await runner.start(program({ key: "other" }));
    const hanging = runner.call(program(), call("hang")).catch((error: unknown) => error);
    await expect.poll(() => runner.list().some(({ busy, state }) => busy && state === "running")).toBe(true);
    await runner.stop("functions");
    expect(await hanging).toMatchObject({ code: "closed" });
    expect(runner.list().map(({ key }) => key)).toEqual(["other"]);
  });

  test("stop right after a call began ends a start that has no process yet", async () => {
    const runner = testRunner();
    const settled = runner.call(program(), call("count")).catch((error: unknown) => error);
    const other = runner.call(program({ key: "other" }), call("count"));
    expect(runner.list()).toEqual([]);
    await runner.stop("functions");
    expect(runner.list().map(({ key }) => key)).not.toContain("functions");
    expect(await settled).toMatchObject({ code: "closed" });
    expect((await other).value).toBe(1);
    await runner.stop("other");
    expect(processesWith(runner.scratchRoot)).toEqual([]);
    expect(readdirSync(runner.scratchRoot)).toEqual([]);
  });

  test("stop sends away calls that wait for a slot, or for a restart", async () => {
    const runner = testRunner({ maxConcurrent: 1, backoffMs: [60_000] });
    const hanging = runner.call(program(), call("hang")).catch((error: unknown) => error);
    const queued = runner.call(program(), call("count")).catch((error: unknown) => error);
    await expect.poll(() => runner.list().length).toBe(1);
    await runner.stop("functions");
    expect([await hanging, await queued]).toMatchObject([{ code: "closed" }, { code: "closed" }]);
    await expect(runner.call(program(), call("die"))).rejects.toMatchObject({ code: "process_died" });
    const waiting = runner.call(program(), call("count")).catch((error: unknown) => error);
    await new Promise((resolve) => setImmediate(resolve));
    await runner.stop("functions");
    expect(await waiting).toMatchObject({ code: "closed" });
    expect((await runner.call(program(), call("count"))).value).toBe(1);
  });

  test("stop ends what a process started", async () => {
    const runner = testRunner();
    const { value } = await runner.call(fixtureProgram("family.py"), { tool: "invoke", input: {} });
    await expect.poll(() => processesWith(runner.scratchRoot)).toContain(value);
    await runner.stop("family");
    await expect.poll(() => processesWith(runner.scratchRoot)).toEqual([]);
  });
});

describe("one-shot", () => {
  test("each call has a process of its own, which is gone afterwards", async () => {
    const runner = testRunner({ spares: 0 }), once = program({ mode: "one_shot" });
    expect((await runner.call(once, call("count"))).value).toBe(1);
    expect((await runner.call(once, call("count"))).value).toBe(1);
    await expect.poll(() => runner.list()).toEqual([]);
    await expect.poll(() => readdirSync(runner.scratchRoot)).toEqual([]);
  });
});

describe("ends", () => {
  test("a deadline kills the process, and the next call gets a new one at once", async () => {
    const runner = testRunner({ backoffMs: [60_000] });
    await expect(runner.call(program(), { ...call("hang"), timeout_ms: 300 })).rejects.toMatchObject({
      code: "timeout",
      details: { timeout_ms: 300 },
    });
    expect((await runner.call(program(), call("count"))).value).toBe(1);
  });

  test("cancelling a running call kills the process, and the next call gets a new one at once", async () => {
    const runner = testRunner({ backoffMs: [60_000] }), controller = new AbortController();
    const hanging = runner.call(program(), { ...call("hang"), signal: controller.signal });
    await expect.poll(() => runner.list().some(({ busy, state }) => busy && state === "running")).toBe(true);
    controller.abort();
    await expect(hanging).rejects.toMatchObject({ code: "cancelled" });
    expect((await runner.call(program(), call("count"))).value).toBe(1);
    // Its death, once it is over, is not held against the skill.
    await runner.stop("functions");
    const again = runner.call(program(), { ...call("hang"), timeout_ms: 300 });
    await expect(again).rejects.toMatchObject({ code: "timeout" });
    await expect.poll(() => runner.list()).toEqual([]);
    expect((await runner.call(program(), { ...call("count"), timeout_ms: 10_000 })).value).toBe(1);
  });

  test("a call that was cancelled before it began starts nothing", async () => {
    const runner = testRunner();
    const request = { ...call("count"), signal: AbortSignal.abort() };
    await expect(runner.call(program(), request)).rejects.toMatchObject({ code: "cancelled" });
    expect(runner.list()).toEqual([]);
  });

  test("cancelling while a process starts ends it", async () => {
    const runner = testRunner(), controller = new AbortController();
    const slow = fixtureProgram("slow_start.py");
    const starting = runner.call(slow, { tool: "invoke", input: {}, signal: controller.signal });
    await expect.poll(() => runner.list().length).toBe(1);
    controller.abort();
    await expect(starting).rejects.toMatchObject({ code: "cancelled" });
    expect(runner.list()).toEqual([]);
  });

  test("time in the queue counts, and a queued call can be cancelled", async () => {
    const runner = testRunner({ maxConcurrent: 1, maxQueue: 2 });
    const hanging = runner.call(program(), call("hang")).catch((error: unknown) => error);
    await expect.poll(() => runner.list().length).toBe(1);
    const controller = new AbortController();
    const late = runner.call(program(), { ...call("count"), timeout_ms: 50 });
    const cancelled = runner.call(program(), { ...call("count"), signal: controller.signal });
    await expect(runner.call(program(), call("count"))).rejects.toMatchObject({ code: "queue_full" });
    controller.abort();
    await expect(cancelled).rejects.toMatchObject({ code: "cancelled" });
    await expect(late).rejects.toMatchObject({ code: "timeout" });
    await runner.close();
    expect(await hanging).toMatchObject({ code: "closed" });
  });

  test.each([
    ["die", /exit code 7: last words$/, { exit_code: 7, signal: null, stderr: "last words" }],
    ["segfault", /signal SIGSEGV/, { exit_code: null, signal: "SIGSEGV" }],
  ])("%s ends the call with what the process said", async (tool, message, details) => {
    const error = { code: "process_died", message: expect.stringMatching(message), details };
    await expect(testRunner().call(program(), call(tool))).rejects.toMatchObject(error);
  });

  test("a flood of notifications ends the process", async () => {
    await expect(testRunner().call(program(), call("flood_notifications"))).rejects.toMatchObject({
      code: "limit_exceeded",
    });
  });

  test("a skill that keeps dying is unstable after its restarts; stop lets it start again", async () => {
    const runner = testRunner({ maxRestarts: 2, backoffMs: [1] }), events: RunnerEvents["unstable"][] = [];
    runner.on("unstable", (event) => void events.push(event));
    for (let death = 0; death < 3; death++) {
      await expect(runner.call(program(), call("die"))).rejects.toMatchObject({ code: "process_died" });
    }
    expect(events).toMatchObject([{
      id: "functions",
      version: "1.0.0",
      error: { code: "start_failed", details: { deaths: 3 } },
    }]);
    await expect(runner.call(program(), call("count"))).rejects.toMatchObject({ code: "start_failed" });
    expect(events).toHaveLength(1);
    expect((await runner.call(program({ key: "other" }), call("count"))).value).toBe(1);
    await runner.stop("functions");
    expect((await runner.call(program(), call("count"))).value).toBe(1);
  });

  test.each([
    ["cannot be imported", "broken_import.py", {}, /JSONDecodeError/],
    [
      "introduces itself wrongly",
      "wrong_handshake.py",
      { serve: "stdio", env: { ANSWER: '"no"' } } as const,
      /handshake/,
    ],
  ])("a daemon that %s fails as often as it may be restarted", async (_what, file, how, message) => {
    const runner = testRunner({ maxRestarts: 1, backoffMs: [1] }), events: RunnerEvents["unstable"][] = [];
    runner.on("unstable", (event) => void events.push(event));
    const broken = fixtureProgram(file, how);
    for (let start = 0; start < 2; start++) {
      await expect(runner.call(broken, call("invoke"))).rejects.toMatchObject({
        code: expect.stringMatching(/start_failed|handshake_failed/),
      });
    }
    expect(events).toMatchObject([{ error: { message: expect.stringMatching(message) } }]);
    await expect(runner.call(broken, call("invoke"))).rejects.toBe(events[0]?.error);
  });

  test("a wait before a restart that is longer than the deadline ends with it", async () => {
    const runner = testRunner({ backoffMs: [60_000] });
    await expect(runner.call(program(), call("die"))).rejects.toMatchObject({ code: "process_died" });
    await expect(runner.call(program(), { ...call("count"), timeout_ms: 50 })).rejects.toMatchObject({
      code: "timeout",
    });
  });

  test("an idle process that dies is noticed and not used again", async () => {
    const runner = testRunner({ backoffMs: [1] });
    const { pid } = await runner.start(program());
    process.kill(pid, "SIGKILL");
    await expect.poll(() => runner.list()).toEqual([]);
    expect((await runner.call(program(), call("count"))).value).toBe(1);
  });

  test("close settles every call, ends every process and leaves no folder", async () => {
    const runner = testRunner({ maxConcurrent: 3, maxQueue: 10 });
    await runner.start(program({ key: "idle" }));
    const calls = ["hang", "hang", "background", "hang", "count"].map((tool) =>
      runner.call(program({ mode: tool === "background" ? "one_shot" : "daemon" }), call(tool)).catch((
        error: unknown,
      ) => error)
    );
    await expect.poll(() => runner.list().filter(({ state }) => state === "running").length).toBeGreaterThan(
      2,
    );
    await Promise.all([runner.close(), runner.close()]);
    for (const settled of await Promise.all(calls)) {
      expect(settled).toSatisfy((value: object) =>
        "value" in value || ("code" in value && value.code === "closed")
      );
    }
    expect(runner.list()).toEqual([]);
    expect(processesWith(runner.scratchRoot)).toEqual([]);
    expect(readdirSync(runner.scratchRoot)).toEqual([]);
    await expect(runner.call(program(), call("count"))).rejects.toMatchObject({ code: "closed" });
  });

  test("close right after a call began waits for the start that is under way, and ends it", async () => {
    const runner = testRunner();
    const settled = runner.call(program(), call("count")).catch((error: unknown) => error);
    await runner.close();
    expect(processesWith(runner.scratchRoot)).toEqual([]);
    expect(readdirSync(runner.scratchRoot)).toEqual([]);
    expect(await settled).toMatchObject({ code: "closed" });
  });

  test("what the sandbox refuses is told, and nothing was made for it", async () => {
    const sandbox = createSandbox({ backend: "landlock" });
    const runner = testRunner({}, sandbox);
    const policy = { ...program().policy, network: ["example.org"] };
    await expect(runner.call(program({ policy }), call("count"))).rejects.toMatchObject({
      code: "sandbox_unavailable",
    });
    expect(existsSync(runner.scratchRoot) ? readdirSync(runner.scratchRoot) : []).toEqual([]);
  });
});
