import { ChatOpenAI } from "@langchain/openai";
import { expect, onTestFinished, test } from "vitest";
import { generateProposal } from "../../src/graph/generate.ts";
import { memorySkills } from "./memory-library.ts";
import { startModelService } from "./model-service.ts";

test("a chat model writes the skill by calls of tools over its own protocol", async () => {
  const files = {
    "manifest.toml": 'id = "capitals"\nversion = "1.0.0"\ndescription = "capitals"\n',
    "skill.py": "upper",
  };
  const calls = Object.entries(files).map(([path, content]) => ({
    name: "write_skill_file",
    args: { path, content },
  }));
  const { baseURL, asked, close } = await startModelService([
    calls,
    [{ name: "run_tests", args: {} }],
    "done",
  ]);
  onTestFinished(close);
  const model = new ChatOpenAI({ model: "m", apiKey: "none", configuration: { baseURL }, maxRetries: 0 });
  const outcome = await generateProposal({ skills: memorySkills(() => "A"), model }, { intent: "capitals" });
  expect(outcome).toMatchObject({
    outcome: "proposed",
    proposal: { files },
    report: { turns: 3, tokens: 330 },
  });
  expect(asked[0]?.tools.map((tool) => tool.function.name)).toContain("write_skill_file");
  expect(asked[1]?.messages.filter(({ role }) => role === "tool").map((message) => message.tool_call_id))
    .toEqual(["call_0", "call_1"]);
});
