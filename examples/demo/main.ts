// The main job, end to end: an agent is asked something that no skill can do; it has one made, a person approves it,
// the same thread uses it; a second question finds it by meaning; the command line runs it.
//
//   npm run demo                              the model's messages come from a recording, everything else is real
//   npm run demo -- --model openai:gpt-5      a live model
//   --sandbox landlock   as on a machine without bubblewrap
//   --yes     approve without asking (also what happens where there is no terminal)
//   --json    one JSON document at the end, nothing else on standard output
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { confirm, isCancel } from "@clack/prompts";
import { Command, MemorySaver } from "@langchain/langgraph";
import { createAgent, initChatModel } from "langchain";
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { ToolMessage } from "@langchain/core/messages";
import {
  type ApprovalRequest,
  type BackendName,
  type ExampleResult,
  type GeneratorOutcome,
  type GraphEvent,
  openSkills,
  proposalText,
  type RunResult,
} from "skillwright";
import { skillMiddleware } from "skillwright/middleware";
import { readRecording, recorded, type Recording, ReplayModel } from "./recorded-model.ts";
import { agentCheck, makerCheck } from "./replay-checks.ts";
import { createPrinter } from "./printer.ts";

const FIRST =
  "Our build server was busy for 2d 3h 45m in June, 17h 20m in July and 1.5d in August. How many minutes is that in total?";
const SECOND =
  "I slept 7h 10m on Monday, 6.5h on Tuesday and 8h 5m on Wednesday. How many minutes altogether?";
const RECORDING = new URL("../recordings/total-minutes.json", import.meta.url);

const { values: options } = parseArgs({
  options: {
    model: { type: "string" },
    yes: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    record: { type: "string" },
    sandbox: { type: "string", default: "auto" },
  },
});
const printer = createPrinter(options.json);
const failures: ExampleResult[] = [];
const recording: Recording = options.model === undefined
  ? readRecording(RECORDING)
  : { source: options.model, agent: [], maker: [] };
const models = await chooseModels();
printer.line(
  options.model === undefined
    ? `Model: a recording (${recording.source}); no model is called. Python, sandbox, embeddings and files are real.`
    : `Model: ${options.model}`,
);

const dir = mkdtempSync(join(tmpdir(), "skillwright-demo-"));
const skills = await openSkills({ dir, sandbox: options.sandbox as "auto" | BackendName });
try {
  const agent = createAgent({
    model: models.agent,
    tools: [],
    middleware: [skillMiddleware(skills, { mode: "full", maker: models.maker })],
    checkpointer: new MemorySaver(),
  });

  printer.heading(`Question: ${FIRST}`);
  let made: Extract<GeneratorOutcome, { outcome: "installed" }> | undefined;
  let answer = await ask(agent, { messages: [{ role: "user", content: FIRST }] }, "first");
  while (answer.approval !== undefined) {
    const { proposal, digest } = answer.approval.value;
    printer.line(proposalText(proposal));
    const approved = await approves();
    const decision = approved
      ? { decision: "approve", digest }
      : { decision: "reject", reason: "rejected in the demo" };
    answer = await ask(agent, new Command({ resume: { [answer.approval.id]: decision } }), "first");
  }
  made = answer.outcomes.find((outcome) => outcome.outcome === "installed");
  printer.heading(`Answer: ${answer.text}`);
  if (made === undefined) throw new Error("no skill was installed");
  const first = answer.text;

  printer.heading(`Another thread, other words: ${SECOND}`);
  const second = await ask(agent, { messages: [{ role: "user", content: SECOND }] }, "second");
  printer.heading(`Answer: ${second.text}`);
  const reused = second.toolNames.includes("run_skill") && !second.toolNames.includes("create_skill");

  const { id, default_tool } = made.skill;
  const example = made.proposal.tests?.given[0]?.example;
  printer.heading(`From the command line: skillwright run ${id} --input '${JSON.stringify(example?.input)}'`);
  const { value, sandbox } = fromCommandLine(id, JSON.stringify(example?.input));
  printer.line(`${default_tool} answers ${JSON.stringify(value)}`);

  const given = made.proposal.tests?.given ?? [];
  const own = [...made.proposal.tests?.cases ?? [], ...made.proposal.tests?.examples ?? []];
  const results = [...given, ...own];
  const document = {
    outcome: "installed",
    skill_id: id,
    digest: made.proposal.digest,
    rounds: made.report.rounds,
    tests: {
      passed: results.filter(({ status }) => status === "passed").length,
      failed: results.filter(({ status }) => status === "failed").length,
      shown: made.report.shown,
      held_back: made.report.held_back,
    },
    sandbox,
    stages_ms: made.report.stages_ms,
    answer: first,
    reused,
    command_line: value,
    maker: options.model ?? "recording",
  };
  if (options.json) process.stdout.write(`${JSON.stringify(document)}\n`);
  if (options.record !== undefined) writeFileSync(options.record, `${JSON.stringify(recording, null, 2)}\n`);
  if (!reused) throw new Error("the second question did not reuse the skill");
} finally {
  await skills.close();
  rmSync(dir, { recursive: true, force: true });
}

interface Turn {
  readonly text: string;
  readonly approval: { readonly id: string; readonly value: ApprovalRequest } | undefined;
  readonly outcomes: readonly GeneratorOutcome[];
  readonly toolNames: readonly string[];
}

/** Runs the agent until it answers or asks for an approval, showing what happens as it happens. */
async function ask(
  agent: ReturnType<typeof createAgent>,
  input: Parameters<typeof agent.stream>[0],
  thread: string,
): Promise<Turn> {
  const config = {
    configurable: { thread_id: thread },
    streamMode: ["custom" as const, "updates" as const],
    recursionLimit: 100,
  };
  for await (const [mode, chunk] of await agent.stream(input, config)) {
    if (mode !== "custom") continue;
    const event = chunk as GraphEvent;
    printer.event(event);
    failures.push(...event.tests?.given.filter(({ status }) => status === "failed") ?? []);
  }
  const state = await agent.graph.getState({ configurable: { thread_id: thread } });
  const interrupts = state.tasks.flatMap((task) => task.interrupts);
  const messages = (state.values as { messages: { text: string; name?: string }[] }).messages;
  const tools = messages.filter((message): message is ToolMessage => ToolMessage.isInstance(message));
  tools.forEach((message) => printer.tool(message));
  const [pending] = interrupts;
  return {
    text: messages.at(-1)?.text ?? "",
    approval: pending === undefined
      ? undefined
      : { id: pending.id ?? "", value: pending.value as ApprovalRequest },
    outcomes: tools.flatMap(({ artifact }) => isOutcome(artifact) ? [artifact] : []),
    toolNames: tools.map(({ name }) => name ?? ""),
  };
}

function isOutcome(artifact: unknown): artifact is GeneratorOutcome {
  return typeof artifact === "object" && artifact !== null && "outcome" in artifact;
}

async function approves(): Promise<boolean> {
  if (options.yes || options.json || !process.stdin.isTTY) {
    printer.line("approved (--yes, or no terminal to ask on)");
    return true;
  }
  const choice = await confirm({ message: "Install exactly these files?" });
  return !isCancel(choice) && choice;
}

function fromCommandLine(id: string, input: string): Pick<RunResult, "value" | "sandbox"> {
  const bin = fileURLToPath(new URL("../../src/cli/bin.ts", import.meta.url));
  const args = [...process.execArgv, bin, "run", id, "--input", input, "--dir", dir, "--json"];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, {
    encoding: "utf8",
    env: { ...process.env, SKILLWRIGHT_SANDBOX: options.sandbox },
  });
  if (status !== 0) throw new Error(`the command line failed: ${stdout}${stderr}`);
  return JSON.parse(stdout) as RunResult;
}

async function chooseModels(): Promise<{ agent: BaseChatModel; maker: BaseChatModel }> {
  if (options.model === undefined) {
    return {
      agent: new ReplayModel(recording.agent, agentCheck),
      maker: new ReplayModel(recording.maker, makerCheck(failures)),
    };
  }
  const live = await initChatModel(options.model) as unknown as BaseChatModel;
  return {
    agent: recorded(live, (message) => recording.agent.push(message)),
    maker: recorded(live, (message) => recording.maker.push(message)),
  };
}
