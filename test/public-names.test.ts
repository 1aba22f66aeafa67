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
    "LIMIT_NAMES",
    "PythonSkillRegistry",
    "SKILL_ERROR_CODES",
    "SkillError",
    "SkillToolkit",
    "VERSION",
    "activatePythonSkill",
    "advancePythonSkillStatus",
    "buildGenerationPrompt",
    "canTransitionTo",
    "createHost",
    "createSkillGraph",
    "disablePythonSkill",
    "errorClass",
    "generateProposal",
    "indexProposal",
    "installProposal",
    "installPythonSkill",
    "isRunnable",
    "listPythonSkills",
    "loadPythonRegistry",
    "openSkills",
    "proposalText",
    "quarantinePythonSkill",
    "reviseProposal",
    "rollbackPythonSkill",
    "savePythonRegistry",
    "scriptTool",
    "skillTool",
    "skillTools",
    "validateStagedSkill",
  ]);
  expect(Object.keys(middleware)).toEqual(["skillMiddleware"]);
  expect(Object.keys(runner).toSorted()).toEqual(["openScript", "runScript"]);
});

test("the runner's own types are there for who runs scripts", () => {
  const text = readFileSync(new URL("../src/runner/run-script.ts", import.meta.url), "utf8");
  const [, names = ""] = /export type \{([^}]*)\} from "\.\/types\.ts";/.exec(text) ?? [];
  expect(names.split(",").map((name) => name.trim()).filter((name) => name !== "").toSorted()).toEqual([
    "CallRequest",
    "CallResult",
    "ProcessInfo",
    "RunnerLimits",
    "TestCase",
  ]);
});

test("the version is the same in the code, package.json and deno.json", () => {
  expect(json("../package.json")["version"]).toBe(root.VERSION);
  expect(json("../deno.json")["version"]).toBe(root.VERSION);
});
