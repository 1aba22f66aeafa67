import { SkillError, type SkillErrorCode, type SkillErrorValue } from "../base/errors.ts";
import type { Json } from "../base/json.ts";
import { isHealthy } from "../runner/health.ts";
import type { Runner, SkillProgram, TestCase } from "../runner/types.ts";
import { ToolCaller } from "./call-tool.ts";
import { judgeExample } from "./examples.ts";
import { toolTimeout } from "./program.ts";
import type { Example, ExampleResult, HomeSettings, ResolvedManifest, TestReport } from "./types.ts";

/** What is tested. */
export interface TestSubject {
  readonly program: SkillProgram;
  readonly resolved: ResolvedManifest;
  readonly settings: HomeSettings;
  /** The package's own `tests/examples.jsonl`. */
  readonly examples: readonly Example[];
  /** Examples of the caller. */
  readonly given: readonly Example[];
  /** Only handshake and health: enough for an activation of what nobody wrote tests for. */
  readonly brief?: boolean;
}

/** After so many examples in a row that cost the process its life, the others are not tried. */
const HOPELESS = 5;
/** All examples together, in milliseconds. */
const EXAMPLES_MS = 300_000;
const PROCESS_LOST: ReadonlySet<SkillErrorCode> = new Set([
  "handshake_failed",
  "limit_exceeded",
  "process_died",
  "protocol_error",
  "start_failed",
  "timeout",
]);
/** What says nothing about the skill: the test could not be made. */
const NO_VERDICT: ReadonlySet<SkillErrorCode> = new Set([
  "cancelled",
  "closed",
  "queue_full",
  "sandbox_unavailable",
]);

const NOT_TRIED: SkillErrorValue = {
  code: "limit_exceeded",
  message: "not tried: the examples before it kept ending the process, or took too long",
};

interface Verdict {
  readonly ok: boolean;
  readonly error?: SkillErrorValue;
}

/**
 * Tests a build in the sandbox it will run in: handshake, the package's tests, its examples and the caller's, its
 * health. What fails is in the report.
 *
 * @throws {SkillError} only when no test could be made: no sandbox, cancelled
 */
export async function testProgram(
  runner: Runner,
  subject: TestSubject,
  signal?: AbortSignal,
): Promise<TestReport> {
  const began = performance.now();
  const { program, brief = false } = subject;
  const logs: string[] = [];
  try {
    const handshake = await verdict(() => runner.start(program));
    const go = handshake.ok && !brief;
    const tests = go ? await packageTests(runner, program, signal) : { cases: [], logs: "" };
    logs.push(tests.logs);
    const caller = new ExampleCaller(runner, subject, logs, signal);
    const examples = go ? await caller.run(subject.examples) : [];
    const given = go ? await caller.run(subject.given) : [];
    const health = handshake.ok ? await probeHealth(runner, subject) : null;
    const all = [...tests.cases, ...examples, ...given];
    const passed = handshake.ok && all.every(({ status }) => status === "passed") && health?.ok !== false;
    const text = logs.filter((log) => log !== "").join("\n").slice(-65_536);
    return {
      passed,
      handshake,
      cases: tests.cases,
      examples,
      given,
      health,
      logs: text,
      ms: Math.round(performance.now() - began),
    };
  } finally {
    await runner.stop(program.key);
  }
}

/** A report small enough to be kept: values that were right are left out, wrong ones bounded. */
export function compactReport(report: TestReport): TestReport {
  const compact = ({ example, status, got, error }: ExampleResult): ExampleResult => ({
    example: status === "passed" ? { ...example, input: bounded(example.input) } : example,
    status,
    ...(status === "passed" || got === undefined ? {} : { got: bounded(got) }),
    ...(error === undefined ? {} : { error: { code: error.code, message: error.message.slice(0, 2000) } }),
  });
  return {
    ...report,
    cases: report.cases.slice(0, 500),
    examples: report.examples.map(compact),
    given: report.given.map(compact),
    logs: report.logs.slice(-16_384),
  };
}

function bounded(value: Json): Json {
  return JSON.stringify(value).length <= 2000 ? value : "… too long to be kept";
}

async function packageTests(
  runner: Runner,
  program: SkillProgram,
  signal: AbortSignal | undefined,
): Promise<{ readonly cases: readonly TestCase[]; readonly logs: string }> {
  try {
    return await runner.test(program, signal === undefined ? {} : { signal });
  } catch (error) {
    const { code, message } = failure(error);
    return { cases: [{ name: "tests", status: "failed", message: `${code}: ${message}` }], logs: "" };
  }
}

async function probeHealth(
  runner: Runner,
  { program, resolved, settings }: TestSubject,
): Promise<Verdict | null> {
  const { health } = resolved.manifest;
  if (health === undefined && resolved.serve === "functions") return null;
  return await verdict(async () => {
    const timeout_ms = toolTimeout(resolved, health ?? "health", settings) * 1000;
    const answer = health === undefined
      ? await runner.health(program)
      : (await runner.call(program, { tool: health, input: {}, timeout_ms })).value;
    if (isHealthy(answer)) return;
    throw new SkillError("tool_failed", `the health probe answered ${JSON.stringify(answer).slice(0, 500)}`);
  });
}

async function verdict(attempt: () => Promise<unknown>): Promise<Verdict> {
  try {
    await attempt();
    return { ok: true };
  } catch (error) {
    return { ok: false, error: failure(error) };
  }
}

/** The error as data. Thrown on when it says nothing about the skill. */
function failure(error: unknown): SkillErrorValue {
  if (!SkillError.isInstance(error) || NO_VERDICT.has(error.code)) throw error;
  return error.toValue();
}

class ExampleCaller {
  readonly #runner: Runner;
  readonly #subject: TestSubject;
  readonly #caller: ToolCaller;
  readonly #logs: string[];
  readonly #signal: AbortSignal | undefined;
  readonly #deadline = performance.now() + EXAMPLES_MS;
  #lost = 0;

  constructor(runner: Runner, subject: TestSubject, logs: string[], signal: AbortSignal | undefined) {
    this.#runner = runner;
    this.#subject = subject;
    this.#caller = new ToolCaller(runner, subject.resolved);
    this.#logs = logs;
    this.#signal = signal;
  }

  async run(examples: readonly Example[]): Promise<readonly ExampleResult[]> {
    const results: ExampleResult[] = [];
    for (const example of examples) {
      results.push(
        this.#lost >= HOPELESS || performance.now() > this.#deadline
          ? { example, status: "failed", error: NOT_TRIED }
          : judgeExample(example, await this.#answer(example)),
      );
    }
    return results;
  }

  async #answer(example: Example): Promise<{ readonly value: Json } | { readonly error: SkillErrorValue }> {
    const { program, resolved, settings } = this.#subject;
    const tool = example.tool ?? resolved.default_tool;
    const timeout_ms = toolTimeout(resolved, tool, settings) * 1000;
    const signal = this.#signal === undefined ? {} : { signal: this.#signal };
    try {
      const { value, logs } = await this.#caller.call(program, {
        tool,
        input: example.input,
        timeout_ms,
        ...signal,
      });
      this.#lost = 0;
      if (logs !== "") this.#logs.push(logs);
      return { value };
    } catch (error) {
      const value = failure(error);
      if (PROCESS_LOST.has(value.code)) {
        this.#lost++;
        // The next example gets a fresh process at once, not after a pause.
        await this.#runner.stop(program.key);
      }
      return { error: value };
    }
  }
}
