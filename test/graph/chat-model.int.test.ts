import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { ChatOpenAI } from "@langchain/openai";
import { expect, onTestFinished, test } from "vitest";
import { generateProposal } from "../../src/graph/generate.ts";
import { memorySkills } from "./memory-library.ts";

interface Asked {
  readonly tools: readonly { readonly function: { readonly name: string } }[];
  readonly messages: readonly { readonly role: string; readonly tool_call_id?: string }[];
}

/** A chat model's service that answers turn by turn: with calls of tools, or with a text. */
async function startService(
  turns: readonly (string | readonly { readonly name: string; readonly args: object }[])[],
): Promise<{ readonly baseURL: string; readonly asked: Asked[] }> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += String(chunk)));
    request.on("end", () => {
      asked.push(JSON.parse(body) as Asked);
      const turn = turns[asked.length - 1] ?? "";
      const message = typeof turn === "string"
        ? { role: "assistant", content: turn }
        : { role: "assistant", content: null, tool_calls: turn.map(toWire) };
      const usage = { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 };
      const choices = [{ index: 0, message, finish_reason: "stop" }];
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ id: "1", object: "chat.completion", model: "m", choices, usage }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return { baseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, asked };
}

function toWire({ name, args }: { readonly name: string; readonly args: object }, index: number): object {
  return { id: `call_${index}`, type: "function", function: { name, arguments: JSON.stringify(args) } };
}

test("a chat model writes the skill by calls of tools over its own protocol", async () => {
  const files = {
    "manifest.toml": 'id = "capitals"\nversion = "1.0.0"\ndescription = "capitals"\n',
    "skill.py": "upper",
  };
  const calls = Object.entries(files).map(([path, content]) => ({
    name: "write_skill_file",
    args: { path, content },
  }));
  const { baseURL, asked } = await startService([calls, [{ name: "run_tests", args: {} }], "done"]);
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
