import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { CallRequest, Runner, SkillProgram } from "../../src/runner/types.ts";
import { fixtureProgram, temporaryFolder, testRunner, usableSandboxes } from "./support.ts";

const TOOLS = [
  "count",
  "meet",
  "meet_in_threads",
  "talk",
  "talk_async",
  "wait_for_cancel",
  "was_cancelled",
  "shrug",
  "hang",
  "nap",
  "work",
  "fail",
  "fail_async",
  "stop_iteration",
  "leave",
  "leave_async",
  "late",
  "die",
  "leave_file",
];
const program = (overrides: Partial<SkillProgram> = {}) =>
  fixtureProgram("overlapping.py", { tools: TOOLS, concurrent: true, ...overrides });
const call = (tool: string, input = {}) => ({ tool, input });

/** Starts a call and waits until it says that it runs. */
async function running(runner: Runner, request: CallRequest, of: SkillProgram = program()) {
  let began: () => void = () => {};
  const begun = new Promise<void>((resolve) => void (began = resolve));
  const settled = runner.call(of, { ...request, onProgress: () => began() }).then(
    ({ value }) => value,
    (error: unknown) => error,
  );
  await Promise.race([begun, settled]);
  return { settled };
}

describe.each(await usableSandboxes())("calls that overlap in $name", (sandbox) => {
  test("run at the same time in one process, async ones and plain ones", async () => {
    const runner = testRunner({}, sandbox);
    const met = await Promise.all(
      ["a", "b", "c"].map((who) => runner.call(program(), call("meet", { others: 3, who }))),
    );
    expect(met.map(({ value }) => (value as string[]).toSorted())).toEqual(
      Array.from({ length: 3 }, () => ["a", "b", "c"]),
    );
    const threads = await Promise.all(
      [1, 2, 3].map(() => runner.call(program(), call("meet_in_threads", { parties: 3 }))),
    );
    expect(new Set(threads.map(({ value }) => value)).size).toBe(3);
    expect(runner.list()).toMatchObject([{ calls: 6, busy: false }]);
  });

  test("cancelling one reaches its function, and no other call notices", async () => {
    const folder = temporaryFolder(), file = join(folder, "cleaned");
    const policy = { ...program().policy, write: [folder] };
    const runner = testRunner({}, sandbox), controller = new AbortController(), own = program({ policy });
    const request = { ...call("wait_for_cancel", { path: file }), signal: controller.signal };
    const cancelled = await running(runner, request, own);
    const other = runner.call(own, call("meet", { others: 2, who: "first" }));
    controller.abort();
    expect(await cancelled.settled).toMatchObject({ code: "cancelled" });
    await runner.call(own, call("meet", { others: 2, who: "second" }));
    expect((await other).value).toEqual(["first", "second"]);
    await expect.poll(() => readFileSync(file, "utf8")).toBe("cleaned up");
    expect(runner.list()).toMatchObject([{ calls: 3, busy: false }]);
  });
});

describe("what overlapping calls tell", () => {
  test.each(["talk", "talk_async"])("%s: each call has its own log and progress", async (tool) => {
    const runner = testRunner(), words = ["one", "two", "three"], heard: string[] = [];
    runner.on("log", ({ text }) => void heard.push(text));
    const results = await Promise.all(words.map(async (word) => {
      const progress: unknown[] = [];
      const onProgress = (params: object) => void progress.push({ ...params });
      const request = { ...call(tool, { word, parties: 3 }), onProgress: onProgress as () => void };
      return { word, progress, ...await runner.call(program(), request) };
    }));
    for (const { word, progress, logs, value } of results) {
      expect(value).toBe(word);
      const lines = Array.from({ length: 20 }, (_, step) => `${word} ${word} ${step}\n`).join("");
      expect(logs.replace(/info: done.*\n/, "")).toBe(tool === "talk" ? `${lines}${word} end` : lines);
      expect(logs.includes("info: done")).toBe(tool === "talk");
      expect(new Set(progress.map((one) => (one as { message: string }).message))).toEqual(new Set([word]));
      expect(progress[0]).not.toHaveProperty("request_id");
    }
    expect(heard.join("")).toContain("one one 7\n");
    expect(heard.join("")).not.toContain("\0");
  });

  test("a plain function's processor time is its own", async () => {
    const runner = testRunner();
    const [busy, idle] = await Promise.all([
      runner.call(program(), call("work", { loops: 3_000_000 })),
      runner.call(program(), call("count")),
    ]);
    expect(busy?.usage.cpu_ms).toBeGreaterThan(idle?.usage.cpu_ms ?? Infinity);
  });

  test.each([
    ["fail", { message: "no" }, "tool_failed", "ValueError: no"],
    ["fail_async", { message: "no" }, "tool_failed", "ValueError: no"],
    ["stop_iteration", {}, "tool_failed", "StopIteration: odd"],
    ["leave", {}, "tool_failed", "SystemExit: 3"],
    ["leave_async", {}, "tool_failed", "SystemExit: 3"],
    ["count", { more: 1 }, "invalid_input", "unexpected arguments: more"],
  ])("%s(%j) ends with an error and the process goes on", async (tool, input, code, message) => {
    const runner = testRunner();
    const error = await runner.call(program(), call(tool, input)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code, message: expect.stringContaining(message) });
    const { logs = "" } = (error as { details: { logs?: string } }).details;
    expect(logs.includes("Traceback")).toBe(code === "tool_failed");
    expect(logs).not.toMatch(/File ".*serve/);
    expect((await runner.call(program(), call("count"))).value).toBe(1);
    expect(runner.list()).toHaveLength(1);
  });

  test("an awaitable that a plain function returns is awaited", async () => {
    expect((await testRunner().call(program(), call("late"))).value).toBe("awaited");
  });

  test("files are refused, and what is left in out/ is not handed back", async () => {
    const runner = testRunner();
    const files = { "data.txt": new Uint8Array(1) };
    await expect(runner.call(program(), { ...call("count"), files })).rejects.toMatchObject({
      code: "invalid_input",
      fix: expect.stringContaining("concurrent"),
    });
    expect((await runner.call(program(), call("leave_file"))).artifacts).toEqual({});
    const alone = await runner.call(program({ concurrent: false, key: "alone" }), {
      ...call("leave_file"),
      files,
    });
    expect(Object.keys(alone.artifacts)).toEqual(["mine"]);
  });
});

describe("ends of overlapping calls", () => {
  test("a cancelled plain function that runs alone ends with its process after the grace", async () => {
    const runner = testRunner({ cancelGraceMs: 50 }), controller = new AbortController();
    const hanging = await running(runner, { ...call("hang"), signal: controller.signal });
    controller.abort();
    expect(await hanging.settled).toMatchObject({ code: "cancelled" });
    await expect.poll(() => runner.list()).toEqual([]);
    expect((await runner.call(program(), call("count"))).value).toBe(1);
  });

  test("a cancelled plain function is left to run while others do, and keeps its slot", async () => {
    const gate = join(temporaryFolder(), "gate");
    const runner = testRunner({ cancelGraceMs: 20, maxConcurrent: 2 }), controller = new AbortController();
    const hanging = await running(runner, { ...call("hang"), signal: controller.signal });
    const napping = await running(runner, call("nap", { path: gate }));
    controller.abort();
    expect(await hanging.settled).toMatchObject({ code: "cancelled" });
    // Both slots are taken still: by the call that nobody waits for, and by the other one.
    await expect(runner.call(program(), { ...call("count"), timeout_ms: 200 })).rejects.toMatchObject({
      code: "timeout",
      message: expect.stringContaining("queue"),
    });
    writeFileSync(gate, "");
    expect(await napping.settled).toBe("rested");
    await expect.poll(() => runner.list()).toEqual([]);
    expect((await runner.call(program(), call("count"))).value).toBe(1);
  });

  test("an async function that does not heed its cancel is ended like a plain one", async () => {
    const runner = testRunner({ cancelGraceMs: 20 });
    const request = { ...call("shrug"), timeout_ms: 300 };
    await expect(runner.call(program(), request)).rejects.toMatchObject({ code: "timeout" });
    await expect.poll(() => runner.list()).toEqual([]);
  });

  test("a deadline cancels too, and the process serves on", async () => {
    const runner = testRunner();
    await runner.start(program());
    const request = { ...call("wait_for_cancel", { path: "" }), timeout_ms: 200 };
    await expect(runner.call(program(), request)).rejects.toMatchObject({ code: "timeout" });
    await expect.poll(async () => (await runner.call(program(), call("was_cancelled"))).value).toEqual([""]);
    expect(runner.list()).toHaveLength(1);
  });

  test("when the process dies every call ends with the reason", async () => {
    const runner = testRunner({ backoffMs: [1] });
    const hanging = await running(runner, call("hang"));
    await expect(runner.call(program(), call("die"))).rejects.toMatchObject({ code: "process_died" });
    expect(await hanging.settled).toMatchObject({ code: "process_died", details: { exit_code: 7 } });
    expect((await runner.call(program(), call("count"))).value).toBe(1);
  });

  test("max_concurrent bounds the calls of the one process", async () => {
    const runner = testRunner({ maxConcurrentPerSkill: 2 }), controller = new AbortController();
    const { signal } = controller;
    const first = await running(runner, { ...call("wait_for_cancel", { path: "" }), signal });
    const second = await running(runner, { ...call("wait_for_cancel", { path: "" }), signal });
    await expect(runner.call(program(), { ...call("count"), timeout_ms: 100 })).rejects.toMatchObject({
      code: "timeout",
    });
    controller.abort();
    await Promise.all([first.settled, second.settled]);
    expect((await runner.call(program(), call("count"))).value).toBe(1);
  });

  test("who cancels during the start leaves it to the others; the last one ends it", async () => {
    const slow = fixtureProgram("slow_start.py", { concurrent: true, start_timeout_ms: 60_000 });
    const runner = testRunner(), [first, second] = [new AbortController(), new AbortController()];
    const request = call("invoke");
    const one = runner.call(slow, { ...request, signal: first.signal }).catch((error: unknown) => error);
    const two = runner.call(slow, { ...request, signal: second.signal }).catch((error: unknown) => error);
    await expect.poll(() => runner.list().length).toBe(1);
    first.abort();
    expect(await one).toMatchObject({ code: "cancelled" });
    expect(runner.list()).toHaveLength(1);
    second.abort();
    expect(await two).toMatchObject({ code: "cancelled" });
    await expect.poll(() => runner.list()).toEqual([]);
  });

  test("an idle one is kept, and stop ends it", async () => {
    const runner = testRunner();
    await runner.call(program(), call("count"));
    expect((await runner.call(program(), call("count"))).value).toBe(2);
    const hanging = await running(runner, call("hang"));
    await runner.stop("overlapping");
    expect(await hanging.settled).toMatchObject({ code: "closed" });
    expect(runner.list()).toEqual([]);
  });
});

describe("a program that answers overlapping calls itself", () => {
  const own = () => fixtureProgram("stdio_overlapping.py", { concurrent: true });

  test("gets requests by their ids and may answer in any order", async () => {
    const runner = testRunner(), heard: unknown[] = [];
    const ask = (who: string) =>
      runner.call(own(), {
        ...call("invoke", { who }),
        onProgress: (params) => void heard.push([who, params]),
      });
    const results = await Promise.all(["a", "b", "c"].map(ask));
    expect(results.map(({ value, logs }) => [value, logs])).toEqual([
      ["a", "info: a\n"],
      ["b", "info: b\n"],
      ["c", "info: c\n"],
    ]);
    expect(heard.filter((one) => !JSON.stringify(one).includes("nobody"))).toEqual([
      ["a", { who: "a" }],
      ["b", { who: "b" }],
      ["c", { who: "c" }],
    ]);
    expect(runner.list()).toHaveLength(1);
  });

  test("is told of a cancel", async () => {
    const runner = testRunner(), controller = new AbortController();
    const waiting = await running(
      runner,
      { ...call("invoke", { who: "a" }), signal: controller.signal },
      own(),
    );
    controller.abort();
    expect(await waiting.settled).toMatchObject({ code: "cancelled" });
    expect((await runner.call(own(), call("invoke", { ask: "cancelled" }))).value).toBe(1);
    expect(runner.list()).toHaveLength(1);
  });
});
