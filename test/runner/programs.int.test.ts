import { describe, expect, test } from "vitest";
import type { CallResult, Runner, SkillProgram } from "../../src/runner/types.ts";
import { fixtureProgram, processesWith, testRunner, usableSandboxes } from "./support.ts";

const hostile = (overrides: Partial<SkillProgram> = {}) => fixtureProgram("stdio_hostile.py", overrides);

function misbehave(runner: Runner, how: string, timeout_ms = 20_000): Promise<CallResult> {
  return runner.call(hostile(), { tool: "invoke", input: { how }, timeout_ms });
}

describe.each(await usableSandboxes())("programs that speak JSON-RPC themselves, in $name", (sandbox) => {
  test("stdio: noise is skipped and logged, a missing flush does no harm, progress arrives", async () => {
    const runner = testRunner({}, sandbox), progress: unknown[] = [];
    const request = {
      tool: "invoke",
      input: { a: [1] },
      onProgress: (params: unknown) => void progress.push(params),
    };
    const { value, logs } = await runner.call(fixtureProgram("stdio_seed.py"), request);
    expect(value).toEqual({ a: [1] });
    expect(logs).toContain("noise in between {");
    expect(progress).toEqual([{ percent: 50 }]);
    expect(await runner.health(fixtureProgram("stdio_seed.py"))).toEqual({ status: "healthy" });
  });

  test("fd: a program that uses descriptors 0 and 1 itself", async () => {
    const program = fixtureProgram("fd_seed.py", { serve: "fd" });
    const { value } = await testRunner({}, sandbox).call(program, { tool: "invoke", input: { a: 1 } });
    expect(value).toEqual({ a: 1 });
  });

  test("a program that ignores signals is ended, and nothing of it is left", async () => {
    const runner = testRunner({}, sandbox);
    await expect(misbehave(runner, "ignore_signals", 300)).rejects.toMatchObject({ code: "timeout" });
    await runner.close();
    expect(processesWith(runner.scratchRoot)).toEqual([]);
  });
});

describe("the papers' contract", () => {
  test("methods with the prefix skill. are found, and version 2 takes the tool's name", async () => {
    const runner = testRunner(), program = fixtureProgram("stdio_prefixed.py");
    const { value } = await runner.call(program, { tool: "invoke", input: { a: 1 } });
    expect(value).toEqual({ tool: "invoke", input: { a: 1 } });
    expect(await runner.health(program)).toEqual({ status: "ok", asked: "skill.health" });
  });

  test("several tools are told apart by { tool, input }", async () => {
    const program = fixtureProgram("stdio_seed.py", { tools: ["a", "b"] });
    const { value } = await testRunner().call(program, { tool: "b", input: 1 });
    expect(value).toEqual({ tool: "b", input: 1 });
  });

  test.each([
    ["another name", { name: "other", version: "1.0.0" }],
    ["another version", { name: "wrong_handshake", version: "2.0.0" }],
    ["no version", { name: "wrong_handshake" }],
    ["no name", { version: "1.0.0" }],
    ["no object", "hello"],
    ["null", null],
  ])("a handshake with %s is refused, and the process is gone", async (_what, answer) => {
    const program = fixtureProgram("wrong_handshake.py", {
      serve: "stdio",
      env: { ANSWER: JSON.stringify(answer) },
    });
    const runner = testRunner();
    await expect(runner.start(program)).rejects.toMatchObject({ code: "handshake_failed" });
    expect(runner.list()).toEqual([]);
  });

  test("a handshake with the display name in place of the id is accepted", async () => {
    const answer = JSON.stringify({ name: "Wrong handshake", version: "1.0.0" });
    const program = fixtureProgram("wrong_handshake.py", {
      serve: "stdio",
      name: "Wrong handshake",
      env: { ANSWER: answer },
    });
    expect(await testRunner().start(program)).toMatchObject({ state: "running", busy: false });
  });
});

describe("hostile programs", () => {
  test.each([
    ["endless", "message_too_large"],
    ["flood", "limit_exceeded"],
    ["mid_line", "process_died"],
    ["exit", "process_died"],
    ["close_stdout", "timeout"],
    ["brackets", "protocol_error"],
    ["nan", "protocol_error"],
    ["silence", "timeout"],
  ])("%s ends with %s", async (how, code) => {
    await expect(misbehave(testRunner(), how, code === "timeout" ? 500 : 20_000)).rejects.toMatchObject({
      code,
    });
  });

  test.each([["answer_and_exit", "fine"], ["big_id", "fine"], ["twice", "fine"], ["well", "fine"]])(
    "%s is still an answer",
    async (how, value) => {
      expect(await misbehave(testRunner(), how)).toMatchObject({ value });
    },
  );

  test("a request to the host is answered with method not found", async () => {
    expect((await misbehave(testRunner(), "reverse")).value).toMatchObject({
      id: "r1",
      error: { code: -32601 },
    });
  });

  test.each(["close_stdin", "stop_reading"])(
    "%s, then a large request: the call ends by its deadline",
    async (how) => {
      const runner = testRunner();
      await misbehave(runner, how);
      const request = {
        tool: "invoke",
        input: { how: "well", padding: "x".repeat(100_000) },
        timeout_ms: 500,
      };
      await expect(runner.call(hostile(), request)).rejects.toMatchObject({
        code: expect.stringMatching(/timeout|process_died/),
      });
      expect((await misbehave(runner, "well")).value).toBe("fine");
    },
  );

  test("a program is asked to end, and can", async () => {
    const runner = testRunner({ stopGraceMs: 60_000 }), heard: string[] = [];
    runner.on("log", ({ text }) => heard.push(text));
    await runner.start(hostile());
    await runner.stop("stdio_hostile");
    expect(heard.join("")).toContain("bye");
    expect(runner.list()).toEqual([]);
  });

  test("a program that stays after it was asked to end is ended", async () => {
    const runner = testRunner({ stopGraceMs: 100 });
    await runner.start(hostile({ env: { STAY: "1" } }));
    await runner.stop("stdio_hostile");
    expect(processesWith(runner.scratchRoot)).toEqual([]);
  });

  test("a start that never ends is ended at the start deadline", async () => {
    const runner = testRunner(), program = fixtureProgram("slow_start.py", { start_timeout_ms: 400 });
    await expect(runner.start(program)).rejects.toMatchObject({
      code: "start_failed",
      message: /not ready within 400 ms/,
    });
    expect(runner.list()).toEqual([]);
    expect(processesWith(runner.scratchRoot)).toEqual([]);
  });
});
