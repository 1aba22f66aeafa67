import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { findTestPython, fixtureProgram, testRunner } from "../support.ts";

const PYTHON: string = fileURLToPath(new URL("../../../python/", import.meta.url));
const COMPARISON: string = fileURLToPath(new URL("../fixtures/wire_json_against_json.py", import.meta.url));

test.each([[true, []], [false, ["--plain"]]])(
  "wire_json reads and writes what the json package does, accelerated: %s",
  (accelerated, flags) => {
    const script = ["-I", "-S", COMPARISON, PYTHON, ...flags];
    const found = JSON.parse(execFileSync(findTestPython().interpreter, script, { encoding: "utf8" })) as {
      readonly compared: number;
    };
    expect(found).toMatchObject({ accelerated, differing: [] });
    expect(found.compared).toBeGreaterThan(9000);
  },
);

test("a skill finds none of our own modules loaded but its helpers, and not what JSON would load", async () => {
  const runner = testRunner();
  const { value } = await runner.call(fixtureProgram("modules.py", { tools: ["modules"] }), {
    tool: "modules",
    input: {},
  });
  expect(value).toContain("skillwright");
  const own = readdirSync(PYTHON).filter((name) => name.endsWith(".py")).map((name) => name.slice(0, -3));
  const hidden = own.filter((name) => name !== "skillwright");
  expect((value as string[]).filter((name) => [...hidden, "json", "re", "enum"].includes(name))).toEqual([]);
});
