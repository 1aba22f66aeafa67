import type { StructuredToolInterface } from "@langchain/core/tools";
import type { ToolMessage } from "@langchain/core/messages";
import { convertToOpenAITool } from "@langchain/core/utils/function_calling";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ToolMode } from "../../src/operations/tool-mode.ts";
import { createSkillTool } from "../../src/tools/create-skill.ts";
import { runSkillTool } from "../../src/tools/run-skill.ts";
import { toolNames } from "../../src/tools/skill-tool.ts";
import { agentContext, skillTool, skillTools } from "../../src/tools/skill-tools.ts";
import { SkillToolkit } from "../../src/tools/toolkit.ts";
import { fixtureSkill } from "../main-path/task-skills.ts";
import { type TemporarySkills, temporarySkills } from "../operations/temporary-skills.ts";

let home: TemporarySkills;

beforeAll(async () => {
  home = await temporarySkills();
  await home.serve(...["plain_words", "text_tools", "crasher", "flooder", "csv_chart"].map(fixtureSkill));
});
afterAll(() => home.close());

/** What a tool answers to a call of a model: the text for the model, parsed, and the artifact. */
async function call(tool: StructuredToolInterface | undefined, args: Record<string, unknown>) {
  if (tool === undefined) throw new Error("there is no such tool");
  const message = await tool.invoke({ type: "tool_call", id: "c1", name: tool.name, args }) as ToolMessage;
  return { text: message.text, json: parsed(message.text), artifact: message.artifact as unknown };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const named = (name: string, mode: ToolMode = "full") =>
  skillTools(home.skills, { mode }).find((tool) => tool.name === name);

describe("modes", () => {
  test("skillTools gives what the mode allows, finding alone by default", () => {
    const names = (mode?: ToolMode) =>
      skillTools(home.skills, mode === undefined ? {} : { mode }).map(({ name }) => name);
    expect(names()).toEqual(["find_skills"]);
    expect(names("off")).toEqual([]);
    expect(names("read_only")).toEqual(["find_skills"]);
    expect(names("read_write")).toEqual(["find_skills"]);
    expect(names("full")).toEqual(["find_skills", "run_skill", "create_skill"]);
  });

  test("a tool that was got hold of all the same is denied below full", async () => {
    for (const mode of ["off", "read_only", "read_write"] as const) {
      const context = agentContext(home.skills, mode);
      const denied = { error: { code: "mode_denied", fix: expect.any(String) } };
      const request = { skill_name: "plain_words", request: { text: "a" } };
      expect((await call(runSkillTool(context), request)).json).toMatchObject(denied);
      expect((await call(createSkillTool(context), { need: "add numbers" })).json).toMatchObject(denied);
    }
    expect(await home.skills.library.proposals()).toEqual([]);
  });

  test("SkillToolkit gives the same tools", () => {
    const tools = new SkillToolkit(home.skills, { mode: "full" }).getTools();
    expect(tools.map(({ name }) => name)).toEqual(["find_skills", "run_skill", "create_skill"]);
  });
});

describe("find_skills", () => {
  test("answers id, description and tools with their schemas, the whole of it in the artifact", async () => {
    const { json, artifact } = await call(named("find_skills", "read_only"), {
      need: "count the words of a text; input: text; output: numbers",
      limit: 1,
    });
    expect(json).toEqual({
      skills: [{
        skill_name: "plain_words",
        description: expect.any(String),
        tools: [
          {
            name: "count_words",
            description: expect.any(String),
            input_schema: expect.objectContaining({ required: ["text"] }),
            default: true,
          },
          { name: "top_words", description: expect.any(String), input_schema: expect.any(Object) },
        ],
      }],
      more: 4,
      hint: expect.any(String),
      by_words_only: "no embedding model was asked for",
    });
    expect(artifact).toMatchObject({ matches: [{ id: "plain_words", status: "active" }], mode: "lexical" });
  });

  test("says that nothing is there when nothing is", async () => {
    const { json } = await call(named("find_skills"), { need: "zzz qqq" });
    expect(json).toMatchObject({ skills: [], hint: "nothing fits: make a skill with create_skill" });
  });
});

describe("run_skill", () => {
  const run = (skill_name: string, request: unknown, tool?: string) =>
    call(named("run_skill"), { skill_name, request, ...(tool === undefined ? {} : { tool }) });

  test("runs the default tool, or the one that is named", async () => {
    const { json, artifact } = await run("text_tools", { text: "abc" });
    expect(json).toEqual({ value: "cba" });
    expect(artifact).toMatchObject({ skill_id: "text_tools", tool: "reverse", sandbox: { unenforced: [] } });
    expect((await run("text_tools", { text: "abc" }, "shout")).json).toEqual({ value: "ABC" });
  });

  test("answers errors as values, not found apart from failed apart from wrong input", async () => {
    const codeOf = async (...given: Parameters<typeof run>) => {
      const { json, artifact } = await run(...given);
      expect(artifact).toEqual({ error: expect.objectContaining((json as { error: object }).error) });
      return (json as { error: { code: string } }).error.code;
    };
    expect(await codeOf("text_tool", { text: "a" })).toBe("not_found");
    expect(await codeOf("text_tools", { text: "a" }, "whisper")).toBe("tool_not_found");
    expect(await codeOf("text_tools", { text: 5 })).toBe("invalid_input");
    expect(await codeOf("csv_chart", {})).toBe("tool_failed");
    expect(await codeOf("crasher", {}, "exit_now")).toBe("process_died");
    expect((await run("crasher", {})).json).toMatchObject({ value: expect.anything() });
  });

  test("tells the model what to try when the name is mistyped", async () => {
    expect((await run("text_tool", { text: "a" })).json).toMatchObject({
      error: { message: expect.stringContaining("text_tool"), fix: expect.stringContaining("text_tools") },
    });
  });

  test("shortens a large answer for the model and keeps all of it in the artifact", async () => {
    const { text, artifact } = await run("flooder", { size: 50_000 });
    expect(text.length).toBeLessThan(8_200);
    expect(text).toMatch(/more characters are in the artifact$/);
    expect((artifact as { value: string }).value).toHaveLength(50_000);
  });
});

describe("the tools of one skill", () => {
  test("a skill with one tool is one tool with the skill's name", async () => {
    const [tool, ...others] = await skillTool(home.skills, "csv_chart");
    expect(others).toEqual([]);
    expect(tool?.name).toBe("csv_chart");
  });

  test("the manifest's JSON Schema reaches the model, and the tool runs", async () => {
    const [reverse, shout] = await skillTool(home.skills, "text_tools");
    expect(convertToOpenAITool(reverse as StructuredToolInterface)).toMatchObject({
      function: {
        name: "text_tools-reverse",
        description: expect.stringMatching(/^Runs the skill "text_tools".*: The text backwards$/),
        parameters: { type: "object", properties: { text: { type: "string" } }, required: ["text"] },
      },
    });
    expect((await call(shout, { text: "abc" })).json).toEqual({ value: "ABC" });
    expect((await call(reverse, { text: 5 })).json).toMatchObject({ error: { code: "invalid_input" } });
  });

  test("a pattern that would hold LangChain's validator is checked in linear time", async () => {
    const id = "hostile_pattern";
    const { key } = await home.skills.library.stage({
      "manifest.toml": `id = "${id}"
name = "Hostile pattern"
version = "1.0.0"
description = "Has a schema that backtracks"

[[tools]]
name = "echo"
input_schema = { type = "object", properties = { text = { type = "string", pattern = "^(a+)+$" } }, required = ["text"] }
`,
      "skill.py": "def echo(text: str) -> str:\n    return text\n",
    });
    await home.skills.library.build(key);
    await home.skills.library.installStaged(key);
    await home.skills.library.activate(id);
    const [echo] = await skillTool(home.skills, id);
    expect((await call(echo, { text: `${"a".repeat(24)}!` })).json).toMatchObject({
      error: { code: "invalid_input" },
    });
    expect((await call(echo, { text: "aaa" })).json).toEqual({ value: "aaa" });
  });

  test("skillTool names the nearest when there is no such skill", async () => {
    await expect(skillTool(home.skills, "text_tols")).rejects.toMatchObject({ code: "not_found" });
  });

  test("toolNames fit model providers and are all different", () => {
    const id = "s".repeat(64);
    const tools = ["alpha", "beta", "gamma"].map((name) => ({
      name,
      description: "",
      input_schema: {},
      idempotent: false,
    }));
    const names = toolNames({ id, tools });
    expect(new Set(names).size).toBe(3);
    for (const name of names) expect(name).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
    expect(toolNames({ id: "short", tools })).toEqual(["short-alpha", "short-beta", "short-gamma"]);
    expect(toolNames({ id, tools: tools.slice(0, 1) })).toEqual([id]);
  });
});

test("schemas that a model is given are flat: no definitions that refer to themselves", () => {
  for (const tool of skillTools(home.skills, { mode: "full" })) {
    const text = JSON.stringify(convertToOpenAITool(tool));
    expect(text).not.toMatch(/\$defs|\$ref/);
    expect(text).toContain('"description"');
  }
});
