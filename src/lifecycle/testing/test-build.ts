import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { SkillError, type SkillErrorValue } from "../../base/errors.ts";
import type { Json } from "../../base/json.ts";
import { isHealthy } from "../../runner/process/health.ts";
import type { Runner, SkillProgram, TestCase } from "../../runner/types.ts";
import { toolTimeout } from "../programs/program.ts";
import type { HomeSettings } from "../storage/home-settings.ts";
import type { Example, ExampleResult, ProbeResult, TestReport } from "../test-report.ts";
import type { ResolvedManifest } from "../types.ts";
import { ExampleCaller, failureOf } from "./example-caller.ts";
import { probe } from "./probes.ts";

/** What is tested. */
export interface TestSubject {
  readonly program: SkillProgram;
  readonly resolved: ResolvedManifest;
  readonly settings: HomeSettings;
  /** The package's own `tests/examples.jsonl`. */
  readonly examples: readonly Example[];
  /** Examples of the caller. */
  readonly given: readonly Example[];
  /** Told of each of the caller's examples as it was tried. */
  readonly onResult?: ((result: ExampleResult) => void) | undefined;
  /** Tries what examples do not, too; so many of the caller's examples, from the first, may be told by it. */
  readonly told?: number | undefined;
  /** Only handshake and health: enough for an activation of what nobody wrote tests for. */
  readonly brief?: boolean;
}

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
    const caller = new ExampleCaller(runner, subject, signal);
    const examples = go ? await caller.run(subject.examples) : [];
    logs.push(...caller.takeLogs());
    const given = go ? await caller.run(subject.given, subject.onResult) : [];
    const probes = go ? await probeBeyond(runner, subject, caller, examples, given) : undefined;
    const health = handshake.ok ? await probeHealth(runner, subject) : null;
    const all = [...tests.cases, ...examples, ...given];
    const passed = handshake.ok && all.every(({ status }) => status === "passed") &&
      probes?.some(({ status }) => status === "failed") !== true && health?.ok !== false;
    const text = logs.filter((log) => log !== "").join("\n").slice(-65_536);
    return {
      passed,
      handshake,
      cases: tests.cases,
      examples,
      given,
      ...(probes === undefined ? {} : { probes }),
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
  const compact = ({ example, status, got, artifacts, error, log }: ExampleResult): ExampleResult => ({
    example: status === "passed" ? withoutFiles(example) : example,
    status,
    ...(artifacts === undefined ? {} : { artifacts }),
    ...(status === "passed" || got === undefined ? {} : { got: bounded(got) }),
    ...(error === undefined ? {} : { error: compactError(error) }),
    ...(log === undefined ? {} : { log }),
  });
  return {
    ...report,
    cases: report.cases.slice(0, 500),
    examples: report.examples.map(compact),
    // whole, for they are tried again when what was approved has to be built again
    given: report.given.map((result) => ({ ...compact(result), example: result.example })),
    ...(report.probes === undefined ? {} : { probes: report.probes.map(compactProbe) }),
    logs: report.logs.slice(-16_384),
  };
}

function compactProbe({ error, ...rest }: ProbeResult): ProbeResult {
  return error === undefined ? rest : { ...rest, error: compactError(error) };
}

function compactError({ code, message }: SkillErrorValue): SkillErrorValue {
  return { code, message: message.slice(0, 2000) };
}

function withoutFiles({ files: _in, artifacts: _out, ...example }: Example): Example {
  return { ...example, input: bounded(example.input) };
}

/** Stands for a value that is too long to be kept. */
export const TOO_LONG = "… too long to be kept";

function bounded(value: Json): Json {
  return JSON.stringify(value).length <= 2000 ? value : TOO_LONG;
}

/** In a fresh process: what was printed before, of examples that may not be told, does not come along. */
async function probeBeyond(
  runner: Runner,
  { program, resolved, told }: TestSubject,
  caller: ExampleCaller,
  examples: readonly ExampleResult[],
  given: readonly ExampleResult[],
): Promise<readonly ProbeResult[] | undefined> {
  if (told === undefined || caller.isHopeless) return undefined;
  await runner.stop(program.key);
  const { tools } = caller;
  const answer = async (example: Example, most_ms?: number) => await caller.answer(example, most_ms);
  return await probe({ resolved, tools, answer, results: [...given.slice(0, told), ...examples] });
}

async function packageTests(
  runner: Runner,
  program: SkillProgram,
  signal: AbortSignal | undefined,
): Promise<{ readonly cases: readonly TestCase[]; readonly logs: string }> {
  try {
    if (!await hasTests(program)) return { cases: [], logs: "" };
    return await runner.test(program, signal === undefined ? {} : { signal });
  } catch (error) {
    const { code, message } = failureOf(error);
    return { cases: [{ name: "tests", status: "failed", message: `${code}: ${message}` }], logs: "" };
  }
}

/** Whether the runner would find any: a process that finds none is a third of a test's time. */
async function hasTests({ source }: SkillProgram): Promise<boolean> {
  const names = await readdir(join(source, "tests")).catch(() => []);
  return names.some((name) => /^test_.*\.py$/.test(name));
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
    return { ok: false, error: failureOf(error) };
  }
}
