import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Json } from "../../../src/base/json.ts";
import { checkExamples, judgeExample, readExamples } from "../../../src/lifecycle/validation/examples.ts";
import type { Example } from "../../../src/lifecycle/test-report.ts";

type Row = readonly [Example["compare"], Json, Json, "passed" | "failed"];

const ROWS: readonly Row[] = [
  ["equal", { a: 1, b: [2] }, { b: [2], a: 1 }, "passed"],
  ["equal", [1, 2], [2, 1], "failed"],
  ["equal", 1, 1.00001, "failed"],
  ["equal", { a: 1 }, { a: 1, b: 2 }, "failed"],
  ["approx", 1, 1.00001, "passed"],
  ["approx", 0, 0.0009, "passed"],
  ["approx", 1000, 1000.2, "failed"],
  ["approx", { a: [1.5, "x"] }, { a: [1.50001, "x"] }, "passed"],
  ["approx", { a: 1 }, { a: 1, b: 2 }, "failed"],
  ["approx", 1, "1", "failed"],
  ["subset", { a: { b: 1 } }, { a: { b: 1, c: 2 }, d: 3 }, "passed"],
  ["subset", { a: 1 }, { b: 1 }, "failed"],
  ["subset", [{ a: 1 }], [{ a: 1, b: 2 }], "passed"],
  ["subset", [{ a: 1 }], [{ a: 1 }, {}], "failed"],
  ["error", null, 1, "failed"],
];

describe("judgeExample", () => {
  it.each(ROWS)("%s of %j against %j is %s", (compare, expected, got, status) => {
    const example: Example = { input: {}, expected, ...(compare === undefined ? {} : { compare }) };
    expect(judgeExample(example, { value: got }).status).toBe(status);
  });

  it("passes when the expected files came letter for letter, and tells what came of the others", () => {
    const example: Example = { input: {}, expected: 1, artifacts: { "a.txt": "é\n", "b.txt": "b" } };
    const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
    const all = { "a.txt": bytes("é\n"), "b.txt": bytes("b"), "more.txt": bytes("") };
    expect(judgeExample(example, { value: 1, artifacts: all })).toEqual({
      example,
      status: "passed",
      got: 1,
    });
    const wrong = { "a.txt": bytes("e\n") };
    expect(judgeExample(example, { value: 1, artifacts: wrong })).toMatchObject({
      status: "failed",
      artifacts: { "a.txt": "e\n", "b.txt": null },
    });
    expect(judgeExample(example, { value: 2, artifacts: all }).status).toBe("failed");
  });

  it("passes any value when nothing is expected", () => {
    expect(judgeExample({ input: {} }, { value: 7 }).status).toBe("passed");
  });

  it("passes an expected error when the tool says no, not when it hangs or dies", () => {
    const judge = (code: "tool_failed" | "invalid_input" | "timeout" | "process_died") =>
      judgeExample({ input: {}, compare: "error" }, { error: { code, message: "" } }).status;
    expect([judge("tool_failed"), judge("invalid_input"), judge("timeout"), judge("process_died")]).toEqual([
      "passed",
      "passed",
      "failed",
      "failed",
    ]);
    expect(judgeExample({ input: {} }, { error: { code: "tool_failed", message: "" } }).status).toBe(
      "failed",
    );
  });
});

describe("readExamples", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "skillwright-examples-"));
    mkdirSync(join(folder, "tests"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("reads one example a line and skips empty lines", async () => {
    writeFileSync(
      join(folder, "tests/examples.jsonl"),
      '{"input": 1}\n\n{"input": {"a": 1}, "expected": 2}\r\n',
    );
    expect(await readExamples(folder)).toEqual([{ input: 1 }, { input: { a: 1 }, expected: 2 }]);
  });

  it("gives none when there is no file", async () => {
    expect(await readExamples(join(folder, "tests"))).toEqual([]);
  });

  it("names the line when one is wrong", async () => {
    writeFileSync(join(folder, "tests/examples.jsonl"), '{"input": 1}\n{"inputs": 1}\n');
    await expect(readExamples(folder)).rejects.toMatchObject({
      code: "invalid_package",
      message: expect.stringContaining("line 2"),
    });
  });
});

describe("checkExamples", () => {
  it("refuses what is not an example, and too many", () => {
    expect(() => checkExamples([{ input: 1 }, { expected: 2 }])).toThrow(
      expect.objectContaining({ code: "invalid_input", message: expect.stringContaining("example 2") }),
    );
    expect(() => checkExamples(Array.from({ length: 1001 }, () => ({ input: 1 })))).toThrow(
      /the limit is 1000/,
    );
  });
});
