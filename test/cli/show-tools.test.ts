import { expect, test } from "vitest";
import { showPermissions, showTools } from "../../src/cli/show-tools.ts";
import type { SkillInfo } from "../../src/lifecycle/types.ts";
import type { JsonSchema, Permissions } from "../../src/manifest/types.ts";

const NONE: Permissions = { network_access: false, file_read: [], file_write: [], process_spawn: false };

function skill(schemas: readonly JsonSchema[], permissions: Permissions = NONE): SkillInfo {
  const tools = schemas.map((input_schema) => ({
    name: "tool",
    description: "",
    input_schema,
    idempotent: false,
  }));
  return {
    id: "one",
    name: "One",
    version: "1.0.0",
    status: "active",
    last_error: null,
    description: "",
    tools,
    default_tool: "tool",
    permissions,
    serving: null,
    candidate: null,
  };
}

test("showTools tells how a tool is called", () => {
  const properties = { title: { type: "string" }, limit: { type: ["integer", "null"] }, more: true };
  expect(showTools(skill([{ type: "object", properties, required: ["title"] }]))).toEqual([
    "  tool(title: string, limit?: integer or null, more?)",
  ]);
  expect(showTools(skill([{ type: "object", properties: {} }, { type: "object" }]))).toEqual([
    "  tool()",
    "  tool(…)",
  ]);
});

test("showTools is bounded and lets no name of a skill reach the terminal raw", () => {
  const properties = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`\u001b[31m${at}\n`, {}]));
  const lines = showTools(skill(Array.from({ length: 40 }, () => ({ properties }))));
  expect(lines).toHaveLength(13);
  expect(lines.at(-1)).toBe("  and 28 tools more");
  expect(lines[0]).toMatch(/, …\)$/);
  expect(lines.filter((line) => line.includes("\u001b") || line.includes("\n"))).toEqual([]);
});

test("showPermissions tells what a skill asks for, and nothing of one that asks for nothing", () => {
  expect(showPermissions(skill([]))).toEqual([]);
  expect(showPermissions(skill([], { ...NONE, network_access: ["example.org"], process_spawn: true })))
    .toEqual([
      "  permissions: network: example.org; starts programs",
    ]);
});
