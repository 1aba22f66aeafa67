import { dirname, resolve } from "node:path";
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { Command, MemorySaver } from "@langchain/langgraph";
import { SkillError } from "../../src/base/errors.ts";
import { createSkillGraph } from "../../src/graph/create-skill-graph.ts";
import type { ApprovalRequest, GeneratorOutcome } from "../../src/graph/types.ts";
import { exampleFiles, judgeExample } from "../../src/lifecycle/validation/examples.ts";
import type { Skills } from "../../src/skills.ts";
import { intentOf, type MakingTask } from "./task.ts";
import type { Example, ExampleResult } from "../../src/lifecycle/test-report.ts";

/** What became of one task. */
export interface TaskRow {
  readonly task: string;
  readonly outcome: GeneratorOutcome["outcome"];
  readonly skill_id: string | null;
  readonly hidden_passed: number;
  readonly hidden: number;
  /** All hidden checks pass. */
  readonly solved: boolean;
  /** An existing skill was taken; wrongly when it is not what solves the task. */
  readonly reused: boolean;
  /** A version before the last one did not pass. */
  readonly repaired: boolean;
  readonly rounds: number;
  readonly turns: number;
  readonly tokens: number;
  readonly wall_ms: number;
  /** The installed skill passes the tests it came with; null when nothing was installed. */
  readonly own_tests: boolean | null;
  /** The installed bytes were approved by their digest; null when nothing was installed. */
  readonly approved: boolean | null;
  /** Why it was not solved. */
  readonly why?: string;
  /** What this machine lacks for it: then it says nothing of the maker. */
  readonly not_here?: string;
}

const APPROVER = "eval:making";
const LACKING: ReadonlySet<string> = new Set([
  "index_unreachable",
  "python_unavailable",
  "sandbox_unavailable",
  "uv_unavailable",
]);

/** Has a skill made for a task, approves what is proposed, and scores it with the hidden checks. */
export async function runTask(
  skills: Skills,
  task: MakingTask,
  { model, maker }: { readonly model: BaseChatModel; readonly maker: string },
): Promise<TaskRow> {
  await installBefore(skills, task);
  const started = performance.now();
  const outcome = await makeAndApprove(skills, task, model, maker);
  const wall_ms = Math.round(performance.now() - started);
  const skill_id = outcome.outcome === "existing_match"
    ? outcome.skill_id
    : outcome.outcome === "installed"
    ? outcome.skill.id
    : null;
  const results = skill_id === null ? [] : await score(skills, skill_id, task.hidden);
  const passed = results.filter(({ status }) => status === "passed").length;
  const solved = skill_id !== null && passed === task.hidden.length;
  const { rounds, turns, tokens } = outcome.report;
  return {
    task: task.id,
    outcome: outcome.outcome,
    skill_id,
    hidden_passed: passed,
    hidden: task.hidden.length,
    solved,
    reused: outcome.outcome === "existing_match",
    repaired: solved && rounds > 1,
    rounds,
    turns,
    tokens,
    wall_ms,
    ...await checkInstalled(skills, outcome),
    ...(solved ? {} : explain(outcome, results)),
  };
}

async function makeAndApprove(
  skills: Skills,
  task: MakingTask,
  model: BaseChatModel,
  maker: string,
): Promise<GeneratorOutcome> {
  const graph = createSkillGraph({ skills, model, maker }).compile({ checkpointer: new MemorySaver() });
  const config = { configurable: { thread_id: task.id } };
  const first = await graph.invoke({ intent: intentOf(task), examples: task.visible }, config);
  const request = requestOf(first);
  if (request === undefined) return outcomeOf(first);
  const resume = { decision: "approve", digest: request.digest, by: APPROVER };
  return outcomeOf(await graph.invoke(new Command({ resume }), config));
}

function requestOf(state: object): ApprovalRequest | undefined {
  const { __interrupt__: interrupts } = state as {
    readonly __interrupt__?: readonly { readonly value: ApprovalRequest }[];
  };
  return interrupts?.[0]?.value;
}

function outcomeOf({ outcome }: { readonly outcome: GeneratorOutcome | null }): GeneratorOutcome {
  if (outcome === null) throw new Error("the generation graph ended without an outcome");
  return outcome;
}

/** Calls a skill with each check in its turn, so that what it keeps between calls counts. */
async function score(
  skills: Skills,
  id: string,
  checks: readonly Example[],
): Promise<readonly ExampleResult[]> {
  const results: ExampleResult[] = [];
  for (const check of checks) {
    const tool = check.tool === undefined ? {} : { tool: check.tool };
    const answer = await skills.run(id, check.input, { ...tool, ...exampleFiles(check) }).catch(
      (error: unknown) => ({ error: SkillError.from(error, "protocol_error", "the call failed").toValue() }),
    );
    results.push(judgeExample(check, answer));
  }
  return results;
}

async function checkInstalled(
  { library }: Skills,
  outcome: GeneratorOutcome,
): Promise<Pick<TaskRow, "own_tests" | "approved">> {
  if (outcome.outcome !== "installed") return { own_tests: null, approved: null };
  const { id, serving } = outcome.skill;
  const audit = await library.audit({ skill: id, limit: 1000 });
  const approved = audit.some(({ action, digest, name }) =>
    action === "approve" && digest === serving?.digest && name === APPROVER
  );
  return { own_tests: (await library.test(id)).passed, approved };
}

function explain(
  outcome: GeneratorOutcome,
  results: readonly ExampleResult[],
): Pick<TaskRow, "why" | "not_here"> {
  if (outcome.outcome === "failed") {
    const why = `${outcome.code}: ${outcome.reason}`;
    const lacking = [...outcome.attempts, why].find((line) => LACKING.has(line.split(":", 1)[0] ?? ""));
    return lacking === undefined ? { why } : { why, not_here: lacking };
  }
  const failed = results.find(({ status }) => status === "failed");
  if (failed === undefined) return { why: `ended ${outcome.outcome}` };
  const { example, got, error } = failed;
  const came = error === undefined ? JSON.stringify(got) : `${error.code}: ${error.message}`;
  return { why: `hidden check ${JSON.stringify(example.input)} gives ${came}`.slice(0, 400) };
}

/** Skills that a task says are there already. */
async function installBefore({ library }: Skills, task: MakingTask): Promise<void> {
  const known = new Set((await library.list()).map(({ id }) => id));
  for (const path of task.skills) {
    const folder = resolve(dirname(task.file), path);
    if (known.has(folder.slice(folder.lastIndexOf("/") + 1))) continue;
    const { id } = await library.install(folder);
    await library.activate(id);
  }
}
