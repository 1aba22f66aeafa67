import { Buffer } from "node:buffer";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { AIMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readRecording, type RecordedMessage, ReplayModel } from "../examples/demo/recorded-model.ts";
import { agentCheck, makerCheck } from "../examples/demo/replay-checks.ts";
import { generateProposal } from "../src/graph/generate.ts";
import type { GeneratorOutcome } from "../src/graph/types.ts";
import { openSkills, type Skills } from "../src/skills.ts";
import type { Example, ExampleResult } from "../src/lifecycle/test-report.ts";

const folder = mkdtempSync(join(tmpdir(), "skillwright-demo-"));
const recording = readRecording(new URL("../examples/recordings/total-minutes.json", import.meta.url));
let skills: Skills;

beforeAll(async () => {
  skills = await openSkills({ dir: join(folder, "home"), embeddings: "none" });
});
afterAll(async () => {
  await skills.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs the demo as a process, as `npm run demo` does. */
function demo(
  ...options: readonly string[]
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const main = fileURLToPath(new URL("../examples/demo/main.ts", import.meta.url));
  const runtime = "Deno" in globalThis ? ["run", "-A"] : ["--conditions=@skillwright/source"];
  const child = spawn(process.execPath, [...runtime, main, ...options], {
    cwd: fileURLToPath(new URL("../", import.meta.url)),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const stdout: Buffer[] = [], stderr: Buffer[] = [];
  child.stdout.on("data", (part: Buffer) => stdout.push(part));
  child.stderr.on("data", (part: Buffer) => stderr.push(part));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      resolve({ code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() });
    });
  });
}

test("the demo makes a skill, repairs it, has it approved, uses it, and finds it again", async () => {
  const { code, stdout, stderr } = await demo("--json");
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
  const stages = ["discover", "generate", "validate", "test", "propose", "install", "activate", "index"];
  expect(JSON.parse(stdout)).toMatchObject({
    outcome: "installed",
    skill_id: "total_minutes",
    digest: expect.stringMatching(/^[0-9a-f]{64}$/),
    rounds: 2,
    tests: { passed: 10, failed: 0, shown: 6, held_back: 2 },
    sandbox: { unenforced: [] },
    stages_ms: Object.fromEntries(stages.map((stage) => [stage, expect.any(Number)])),
    answer: expect.stringContaining("6,305"),
    reused: true,
    command_line: 3105,
    maker: "recording",
  });
  expect(stderr.split("\n")[0]).toMatch(/^Model: a recording .*no model is called/);
  expect(stderr).toMatch(/tests: round 1: 1 of 6 examples fail/);
  expect(stderr).toContain("digest ");
});

describe("the replay of the maker", () => {
  const [, create] = recording.agent.flatMap(({ tool_calls }) => tool_calls);
  const { need = "", examples = [] } = (create?.args ?? {}) as {
    readonly need?: string;
    readonly examples?: readonly Example[];
  };

  /** The generation of the demo, with what its check is told of the tests passed through `seen`. */
  async function make(
    messages: readonly RecordedMessage[],
    seen: (result: ExampleResult) => ExampleResult,
  ): Promise<GeneratorOutcome | Error> {
    const failures: ExampleResult[] = [];
    const model = new ReplayModel(messages, makerCheck(failures));
    return await generateProposal({ skills, model }, { intent: need, examples }, {
      onEvent: ({ tests }) => {
        failures.push(...(tests?.given ?? []).filter(({ status }) => status === "failed").map(seen));
      },
    }).catch((error: unknown) => error as Error);
  }

  const refusal = /the request for a repair does not hold what failed in this run/;
  const said = (made: GeneratorOutcome | Error) =>
    made instanceof Error ? made.message : JSON.stringify(made);

  test("says the repair when the request holds what failed in this very run", async () => {
    expect(await make(recording.maker, (result) => result)).toMatchObject({
      outcome: "proposed",
      report: { rounds: 2 },
    });
  });

  test("refuses the repair when another value came than the one that the maker is told", async () => {
    expect(said(await make(recording.maker, (result) => ({ ...result, got: 31 })))).toMatch(refusal);
    expect(await skills.list()).toEqual([]);
  });

  test("refuses the repair when another input failed than the one that the maker is told", async () => {
    const other = { durations: ["7d"] };
    const tampered = (result: ExampleResult) => ({ ...result, example: { ...result.example, input: other } });
    expect(said(await make(recording.maker, tampered))).toMatch(refusal);
  });

  test("ends before the end when the repair was said first", async () => {
    const [first, done, ...repair] = recording.maker;
    const swapped = [...repair, first, done].filter((message) => message !== undefined);
    const made = await make(swapped, (result) => result);
    expect(made).not.toMatchObject({ outcome: "proposed", report: { rounds: 2 } });
  });

  test("says nothing when it is asked more often than was recorded", async () => {
    const { length } = recording.maker;
    const made = await make(recording.maker.slice(0, length - 2), (result) => result);
    expect(said(made)).toMatch(new RegExp(`the recording ends after ${length - 2} messages`));
  });
});

describe("the replay of the agent", () => {
  const answer: RecordedMessage = { content: "The build server was busy for 6,305 minutes.", tool_calls: [] };
  const told = (content: string) => [
    new HumanMessage("How many minutes?"),
    new AIMessage({ content: "", tool_calls: [{ id: "1", name: "run_skill", args: {} }] }),
    new ToolMessage({ content, tool_call_id: "1", name: "run_skill" }),
  ];
  const ask = (content: string, message = answer) =>
    new ReplayModel([message], agentCheck).invoke(told(content));

  test("says a number that a skill answered in this run, and no other", async () => {
    expect((await ask('{"value":6305}')).text).toContain("6,305");
    await expect(ask('{"value":6304}')).rejects.toThrow(
      "the recording says 6305, but no skill answered that",
    );
    await expect(ask('{"value":6305}', { content: "Many minutes.", tool_calls: [] })).rejects.toThrow(
      "no number",
    );
  });

  test("makes its calls whatever came before", async () => {
    const call = { content: "", tool_calls: [{ id: "2", name: "find_skills", args: { need: "minutes" } }] };
    expect((await ask("{}", call)).tool_calls).toMatchObject([{ name: "find_skills" }]);
  });
});
