import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import type { SkillProgram } from "../../src/runner/types.ts";
import { findTestPython, fixtureProgram, processesWith, testRunner, usableSandboxes } from "./support.ts";

function packageProgram(folder: string, overrides: Partial<SkillProgram> = {}): SkillProgram {
  const entry = join(dirname(fixtureProgram("x.py").entry), folder, "calc.py");
  return { ...fixtureProgram("calc.py"), entry, source: dirname(entry), ...overrides };
}

describe.each(await usableSandboxes())("tests of a package, in $name", (sandbox) => {
  test("plain, async and unittest cases are run and reported one by one", async () => {
    const runner = testRunner({}, sandbox);
    const { cases, logs } = await runner.test(packageProgram("package"));
    const file = "tests/test_calc.py::";
    expect(cases.map(({ name, status }) => [name.replace(file, ""), status])).toEqual([
      ["test_double", "passed"],
      ["test_same_module", "passed"],
      ["test_async", "passed"],
      ["test_wrong", "failed"],
      ["test_fixture", "failed"],
      ["Suite.test_broken_method", "failed"],
      ["Suite.test_method", "passed"],
      ["Suite.test_skipped", "passed"],
      ["import tests/test_import.py", "failed"],
    ]);
    const message = (name: string) => cases.find((one) => one.name.endsWith(name))?.message;
    expect(message("test_wrong")).toBe(
      'AssertionError: 2 doubled is not 5\nFile "tests/test_calc.py", line 22, in test_wrong\n' +
        '    assert double(2) == 5, "2 doubled is not 5"',
    );
    expect(message("test_broken_method")).toContain("6 != 7");
    expect(message("test_import.py")).toContain("No module named 'no_such_module'");
    expect(message("test_fixture")).toContain("fixtures are not supported");
    expect(logs).toContain("about to be wrong");
    expect(runner.list()).toEqual([]);
  });
});

describe("tests of a package", () => {
  test("a test that hangs is a failed case that is named, and those before it are kept", async () => {
    const runner = testRunner({ testTimeoutMs: 500 });
    const { cases } = await runner.test(packageProgram("hanging_tests"));
    expect(cases).toMatchObject([
      { name: "tests/test_hang.py::test_fine", status: "passed" },
      { name: "tests/test_hang.py::test_hang", status: "failed", message: /did not end within 500 ms/ },
    ]);
    expect(processesWith(runner.scratchRoot)).toEqual([]);
  });

  test("a package without tests has no cases", async () => {
    const { cases } = await testRunner().test(fixtureProgram("decorated.py"));
    expect(cases).toEqual([]);
  });
});

describe("outline", () => {
  const outline = (text: string) => testRunner().outline(findTestPython(), text);

  test("tells functions with the schemas of their type hints, imports, calls and how it serves", async () => {
    const text = [
      "from __future__ import annotations",
      "import os as system, numpy",
      "from typing import Literal, Optional, TypedDict",
      "class Row(TypedDict):",
      "    name: str",
      "    size: Optional[int]",
      "def to_roman(number: int, *, style: Literal['upper', 'lower'] = 'upper', rows: list[Row] = []) -> str | None:",
      '    """Integer to Roman numerals.\n\n    Args:\n        number: from 1 to 3999\n    """',
      "    system.system('x')",
      "async def free(**more): ...",
      "def invoke(params): ...",
    ].join("\n");
    expect(await outline(text)).toMatchObject({
      serve: "functions",
      has_main: false,
      imports: [{ module: "__future__", line: 1 }, { module: "os" }, { module: "numpy" }, {
        module: "typing",
      }],
      calls: [{ name: "os.system", line: 13 }],
      functions: [
        {
          name: "to_roman",
          async: false,
          input_schema: {
            type: "object",
            properties: {
              number: { type: "integer", description: "from 1 to 3999" },
              style: { type: "string", enum: ["upper", "lower"], default: "upper" },
              rows: {
                type: "array",
                items: {
                  type: "object",
                  properties: {
                    name: { type: "string" },
                    size: { anyOf: [{ type: "integer" }, { type: "null" }] },
                  },
                  required: ["name", "size"],
                },
              },
            },
            required: ["number"],
            additionalProperties: false,
          },
          output_schema: { anyOf: [{ type: "string" }, { type: "null" }] },
        },
        { name: "free", async: true, input_schema: { properties: {} } },
        {
          name: "invoke",
          input_schema: { type: "object" },
        },
      ],
    });
  });

  test("executes nothing, and says where a text is no Python", async () => {
    expect(await outline("def f(:\n    pass\n")).toMatchObject({ syntax_error: { line: 1 } });
    expect(await outline("raise SystemExit(1)\nimport os; os._exit(1)\n")).toMatchObject({ functions: [] });
  });

  test.each([
    ["brackets", "(".repeat(100_000)],
    ["operators", `x = ${"-".repeat(100_000)}1`],
    ["a NUL", "a\0b"],
    ["many functions", Array.from({ length: 5000 }, (_, n) => `def f${n}(a: int): ...`).join("\n")],
  ])("is bounded for %s", async (_what, text) => {
    const found = await outline(text);
    expect(JSON.stringify(found).length).toBeLessThan(102_400);
  });

  test.each(["stdio_seed.py", "stdio_hostile.py", "fd_seed.py", "functions.py"])(
    "tells how %s serves",
    async (file) => {
      const { readFileSync } = await import("node:fs");
      const found = await outline(readFileSync(fixtureProgram(file).entry, "utf8"));
      expect(found).toMatchObject({ serve: file.split("_")[0]?.replace(".py", "") });
    },
  );
});
