import { Buffer } from "node:buffer";
import { describe, expect, test } from "vitest";
import type { Json } from "../../src/base/json.ts";
import type { CallRequest, CallResult, Runner, SkillProgram } from "../../src/runner/types.ts";
import { fixtureProgram, testRunner, usableSandboxes } from "./support.ts";

const TOOLS = [
  "echo",
  "whole",
  "add",
  "later",
  "count",
  "noisy",
  "unicode_noise",
  "fail",
  "fail_deep",
  "refuse",
  "leave",
  "nan",
  "a_set",
  "circle",
  "deep",
  "text_of",
  "tell",
  "convert",
  "strange_files",
  "environment",
  "leak",
  "leak_error",
  "mirror",
  "modules",
  "decorated",
  "many_files",
  "big_file",
  "flood_stderr",
];

function functions(overrides: Partial<SkillProgram> = {}): SkillProgram {
  return fixtureProgram("functions.py", { tools: TOOLS, ...overrides });
}

function caller(runner: Runner, program: SkillProgram) {
  return (tool: string, input: Json = {}, more: Partial<CallRequest> = {}): Promise<CallResult> =>
    runner.call(program, { tool, input, ...more });
}

describe.each(await usableSandboxes())("functions served in $name", (sandbox) => {
  test("arguments are the keys of the input, defaults and async functions included", async () => {
    const call = caller(testRunner({}, sandbox), functions());
    expect((await call("echo", { value: { a: [1, null, "é\u2028"] } })).value).toEqual({
      a: [1, null, "é\u2028"],
    });
    expect((await call("add", { a: 2 })).value).toBe(3);
    expect((await call("add", { a: 2, b: 3, scale: 10 })).value).toBe(50);
    expect((await call("later", { x: 1 })).value).toBe(2);
    expect((await call("later", { x: 2 })).value).toBe(3);
    expect((await call("mirror", { point: { x: 1, y: 2 } })).value).toEqual({ x: 2, y: 1 });
    expect((await call("whole", { a: 1, b: 2 })).value).toEqual({ a: 1, b: 2 });
    expect((await call("decorated")).value).toBe("by decorator");
  });

  test("whatever is printed, by whom ever, goes to the log and the answer comes through", async () => {
    const call = caller(testRunner({}, sandbox), functions());
    const { value, logs } = await call("noisy", { word: "hi" });
    expect(value).toEqual({ word: "hi", stdin: "" });
    for (const source of ["print", "buffer", "dunder", "stderr", "os.write", "C"]) {
      expect(logs).toContain(`${source} noise`);
    }
    expect(logs).toContain("print without newline or flush");
    expect((await call("echo", { value: 1 })).logs).toBe("");
    const odd = await call("unicode_noise");
    expect(odd.logs).toBe("é\\ud800\u2028\n");
    expect(odd.value).toBe("\ud800 é \u2028");
  });

  test("files go in and come out as copies, and both folders are empty before the next call", async () => {
    const call = caller(testRunner({}, sandbox), functions());
    const files = { "data.csv": Buffer.from("a;b\n"), "deep/er.txt": Buffer.from("x") };
    const { value, artifacts } = await call("convert", {}, { files });
    expect(value).toEqual(["data.csv", "deep"]);
    const texts = Object.entries(artifacts).map(([path, data]) => [path, Buffer.from(data).toString()]);
    expect(Object.fromEntries(texts)).toEqual({ "upper.csv": "A;B\n", "more/note.txt": "n" });
    const again = await call("convert", {}, { files: { "data.csv": Buffer.from("c") } });
    expect(again.value).toEqual(["data.csv"]);
    expect(Object.keys(again.artifacts)).toHaveLength(2);
  });

  test("links and pipes in out/ are neither followed nor waited for", async () => {
    const call = caller(testRunner({}, sandbox), functions());
    const { artifacts, logs } = await call("strange_files");
    expect(Object.keys(artifacts)).toEqual(["fine"]);
    expect(logs).toContain("out/link is no plain file and was left out");
    expect((await call("echo", { value: 1 })).artifacts).toEqual({});
  });

  test("the environment holds what is declared and nothing of the host's", async () => {
    const program = functions({ env: { CITY: "Graz" }, secrets: { API_KEY: "s3cret-value" } });
    const { value } = await caller(testRunner({}, sandbox), program)("environment");
    expect(value).toMatchObject({ CITY: "Graz", API_KEY: "[redacted API_KEY]" });
    expect(Object.keys(value as object).filter((name) => /^(npm_|VITEST|XDG|SKILLWRIGHT)/.test(name)))
      .toEqual([]);
  });

  test("a secret's value is taken out of value, logs, artifacts and errors", async () => {
    const program = functions({ secrets: { API_KEY: "s3cret-value" } }), runner = testRunner({}, sandbox);
    const heard: string[] = [];
    runner.on("log", ({ text }) => heard.push(text));
    const call = caller(runner, program);
    const result = await call("leak");
    expect(result.value).toEqual({
      key: "[redacted API_KEY]",
      "[redacted API_KEY]": ["[redacted API_KEY]", "x[redacted API_KEY]y"],
    });
    expect(result.logs).toBe("the key is [redacted API_KEY]\n");
    expect(Buffer.from(result.artifacts["[redacted API_KEY].txt"] ?? []).toString()).toBe(
      "key=************;",
    );
    const error = await call("leak_error").catch((error: unknown) => error);
    expect(`${String(error)} ${JSON.stringify(error)}`).not.toContain("s3cret");
    expect(error).toMatchObject({ code: "tool_failed", message: /no luck with \[redacted API_KEY\]/ });
    expect(heard.join("")).toContain("[redacted API_KEY]");
    expect(heard.join("")).not.toContain("s3cret");
  });
});

describe("functions", () => {
  test.each<[string, Json, string, RegExp]>([
    ["add", {}, "invalid_input", /missing arguments: a$/],
    ["add", { a: 1, c: 2, d: 3 }, "invalid_input", /unexpected arguments: c, d$/],
    ["add", [1], "invalid_input", /input is a list, an object is needed/],
    ["fail", { message: "no luck" }, "tool_failed", /ValueError: no luck/],
    ["refuse", {}, "tool_failed", /not today/],
    ["leave", {}, "tool_failed", /SystemExit: 3/],
    ["nan", {}, "invalid_output", /result is not JSON/],
    ["a_set", {}, "invalid_output", /set is not a JSON type/],
    ["circle", {}, "invalid_output", /result is not JSON/],
    ["deep", { n: 100 }, "protocol_error", /nested deeper than 64/],
    ["deep", { n: 100_000 }, "invalid_output", /result is not JSON/],
    ["text_of", { size: 102_400 }, "message_too_large", /result is \d+ bytes long/],
    ["nothing", {}, "tool_not_found", /no tool "nothing"/],
  ])("%s(%j) ends with %s and the process goes on", async (tool, input, code, message) => {
    const call = caller(testRunner(), functions());
    const first = (await call("count")).value;
    await expect(call(tool, input)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect((await call("count")).value).toBe(Number(first) + 1);
  });

  test("a failure carries the skill's own lines, and what it chose to tell", async () => {
    const call = caller(testRunner(), functions());
    await expect(call("fail_deep")).rejects.toMatchObject({
      message: '"functions": ZeroDivisionError: division by zero',
      details: {
        wire_code: -32000,
        data: {
          exception: "ZeroDivisionError",
          traceback: expect.stringMatching(/in fail_deep\n[^]*in helper\n {4}return 1 \/ n$/),
        },
        logs: expect.stringContaining("Traceback"),
      },
    });
    await expect(call("refuse")).rejects.toMatchObject({
      details: { wire_code: -32050, data: { try: "tomorrow" } },
    });
  });

  test("the largest result that fits comes through, the largest request too", async () => {
    const call = caller(testRunner(), functions());
    expect((await call("text_of", { size: 102_000 })).value).toHaveLength(102_000);
    expect((await call("echo", { value: "é".repeat(51_000) })).value).toHaveLength(51_000);
    await expect(call("echo", { value: "é".repeat(51_200) })).rejects.toMatchObject({
      code: "message_too_large",
    });
    expect((await call("count")).value).toBe(1);
  });

  test("progress reaches the caller and log notifications the log", async () => {
    const call = caller(testRunner(), functions());
    const seen: Json[] = [];
    const { value, logs } = await call("tell", { steps: 2 }, {
      onProgress: (params) => void seen.push(params),
    });
    expect(value).toBe(2);
    expect(seen).toEqual([
      { progress: 1, total: 2, message: "working" },
      { progress: 2, total: 2, message: "working" },
    ]);
    expect(logs).toBe('warning: half way {"step":2}\n');
  });

  test("without names, what is decorated is served, else invoke", async () => {
    const runner = testRunner();
    const decorated = fixtureProgram("decorated.py");
    expect((await runner.call(decorated, { tool: "one", input: { n: 2 } })).value).toBe(2);
    expect((await runner.call(decorated, { tool: "other", input: { n: 2 } })).value).toBe(4);
    await expect(runner.call(decorated, { tool: "not_a_tool", input: {} })).rejects.toMatchObject({
      code: "tool_not_found",
      details: { data: { tools: ["one", "other"] } },
    });
    const plain = fixtureProgram("invoke_only.py");
    expect((await runner.call(plain, { tool: "invoke", input: { a: 1 } })).value).toEqual({ got: { a: 1 } });
  });

  test("a named function that is not there fails the handshake and tells which ones are", async () => {
    const program = fixtureProgram("decorated.py", { tools: ["one", "three"] });
    await expect(testRunner().start(program)).rejects.toMatchObject({
      code: "handshake_failed",
      message: expect.stringMatching(/defines no function named three; it defines .*not_a_tool/),
    });
  });

  test("an error while the file is imported fails the start with the skill's own lines", async () => {
    await expect(testRunner().start(fixtureProgram("broken_import.py"))).rejects.toMatchObject({
      code: "start_failed",
      message: expect.stringMatching(/JSONDecodeError/),
      details: { data: { traceback: expect.stringContaining('File "broken_import.py", line 5, in load') } },
    });
  });

  test("our own modules do not stand in the way of the skill's", async () => {
    const { value } = await caller(testRunner(), functions())("modules");
    expect(value).toEqual({ modules: [], main: "skill" });
  });

  test("a flood on stderr is cut, counted, and harmless", async () => {
    const { value, logs } = await caller(testRunner({ maxLogBytes: 2000 }), functions())("flood_stderr", {
      megabytes: 8,
    });
    expect(value).toBe("done");
    expect(logs.length).toBeLessThan(2200);
    expect(logs).toMatch(/… \d{7} bytes left out …/);
  });

  test("too many or too large files out are a limit, and the process goes on without them", async () => {
    const call = caller(testRunner({ maxFileBytes: 1 << 20 }), functions());
    await expect(call("many_files", { count: 65 })).rejects.toMatchObject({ code: "limit_exceeded" });
    expect(Object.keys((await call("many_files", { count: 64 })).artifacts)).toHaveLength(64);
    await expect(call("big_file", { size: (1 << 20) + 1 })).rejects.toMatchObject({ code: "limit_exceeded" });
    expect((await call("big_file", { size: 1 << 20 })).artifacts["big"]).toHaveLength(1 << 20);
  });

  test.each(["../x", "/etc/x", "a/../../x", "a//b", ".", "", "a\\b", "a\0b", "x".repeat(300)])(
    "a file path that could leave the folder is refused: %j",
    async (path) => {
      const runner = testRunner();
      const request = { tool: "convert", input: {}, files: { [path]: new Uint8Array() } };
      await expect(runner.call(functions(), request)).rejects.toMatchObject({ code: "invalid_input" });
      expect(runner.list()).toEqual([]);
    },
  );
});
