import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as root from "../src/index.ts";
import * as runner from "../src/runner/run-script.ts";
import * as middleware from "../src/tools/middleware.ts";

function json(path: string): Record<string, unknown> {
  return JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8")) as Record<string, unknown>;
}

test("the root exports exactly these values", () => {
  expect(Object.keys(root).toSorted()).toEqual([
    "SKILL_ERROR_CODES",
    "SkillError",
    "SkillToolkit",
    "VERSION",
    "buildGenerationPrompt",
    "createHost",
    "createSkillGraph",
    "generateProposal",
    "indexProposal",
    "installProposal",
    "openSkills",
    "proposalText",
    "scriptTool",
    "skillTool",
    "skillTools",
  ]);
  expect(Object.keys(middleware)).toEqual(["skillMiddleware"]);
  expect(Object.keys(runner).toSorted()).toEqual(["openScript", "runScript"]);
});

test("the version is the same in the code, package.json and deno.json", () => {
  expect(json("../package.json")["version"]).toBe(root.VERSION);
  expect(json("../deno.json")["version"]).toBe(root.VERSION);
});
