import { randomUUID } from "node:crypto";
import { lstat, rm } from "node:fs/promises";
import { join } from "node:path";
import { SkillError } from "../../base/errors.ts";
import type { StagedBuild } from "../packages/build.ts";
import { commit, type Home, requireTrusted } from "../home/home.ts";
import { skillDocument } from "../records/documents.ts";
import { moveGeneration, type StoredGeneration, storeTests, touchSkill } from "../records/records.ts";
import { candidateOf, servingOf } from "../records/skill-record.ts";
import { appendSlotLog } from "../records/slot-log.ts";
import type { HomeTransaction } from "../storage/home-db.ts";
import type { Example, ExampleResult, TestReport } from "../test-report.ts";
import type { Actor, ResolvedManifest } from "../types.ts";
import { checkExamples, readExamples } from "../validation/examples.ts";
import { readTriggerTests, runTriggerTests } from "../validation/trigger-tests.ts";
import { compactReport, testProgram } from "./test-build.ts";

/** What a test of a staged build is given. */
export interface TestBuildOptions {
  /** Examples of the caller. */
  readonly examples?: readonly Example[];
  /**
   * Also tries what examples do not: the same inputs again, and inputs that the tools were not made for. So many of the
   * examples, from the first, may show in what comes of it.
   */
  readonly told?: number;
  /** Told of each of them as it was tried. */
  readonly onResult?: ((result: ExampleResult) => void) | undefined;
  readonly signal?: AbortSignal;
}

/** Who asks and how it can be ended. */
export interface OperationOptions {
  readonly actor?: Actor;
  readonly signal?: AbortSignal;
}

/** Tests a staged build, where it lies or where it was installed to. */
export async function testStaged(
  home: Home,
  staged: StagedBuild,
  options: TestBuildOptions = {},
): Promise<TestReport> {
  requireTrusted(home);
  const installed = home.layout.build(staged.resolved.manifest.id, staged.build);
  const isStaged = await lstat(staged.dir).then(() => true, () => false);
  return await testBuild(home, {
    name: `staged:${staged.key.slice(0, 12)}:${randomUUID()}`,
    dir: isStaged ? staged.dir : installed,
    resolved: staged.resolved,
    given: checkExamples(options.examples ?? []),
    onResult: options.onResult,
    told: options.told,
  }, options.signal);
}

/** Tests the candidate, else what serves, from its build as it is installed, and keeps the report. */
export async function testSkill(home: Home, id: string, options: OperationOptions = {}): Promise<TestReport> {
  requireTrusted(home);
  const record = home.view.get(id);
  const target = candidateOf(record) ?? servingOf(record);
  if (target === undefined) {
    throw new SkillError("not_active", `"${id}" has neither a candidate nor a serving version to test`, {
      fix: "install it again, or activate it",
    });
  }
  const begun = await beginTesting(home, target, options.actor);
  const tested = await unlessChanged(home, begun, () => testGeneration(home, begun, {}, options.signal));
  const report = await withTriggers(home, begun, tested);
  await keepReport(home, begun, report, options.actor);
  return report;
}

/** Adds whether the package's own sentences find the skill as they should. */
async function withTriggers(
  home: Home,
  target: StoredGeneration,
  report: TestReport,
): Promise<TestReport> {
  if (home.trial === undefined || !report.handshake.ok) return report;
  const { skill_id: id, build } = target;
  const tests = await readTriggerTests(join(home.layout.build(id, build), "src"));
  if (tests.length === 0) return report;
  const began = performance.now();
  const triggers = await runTriggerTests(tests, skillDocument(home.view.get(id), target), home.trial);
  const passed = report.passed && triggers.every(({ status }) => status !== "failed");
  return { ...report, passed, triggers, ms: report.ms + Math.round(performance.now() - began) };
}

/** Takes a pending generation to `testing`; any other stays what it is. */
export async function beginTesting(
  home: Home,
  target: StoredGeneration,
  actor: Actor | undefined,
): Promise<StoredGeneration> {
  if (target.status !== "pending") return target;
  const { skill_id: id, number, digest } = target;
  await commit(home, { actor, action: "begin_testing", skill_id: id, digest }, (tx) => {
    touchSkill(tx, id, "state");
    moveGeneration(tx, fresh(tx, target), ["testing"]);
  });
  return home.view.find(id)?.generations.find((one) => one.number === number) ?? target;
}

/** Tests a generation; `brief`: handshake and health only. */
export async function testGeneration(
  home: Home,
  target: StoredGeneration,
  { brief = false }: { readonly brief?: boolean },
  signal: AbortSignal | undefined,
): Promise<TestReport> {
  const { skill_id: id, number, build, resolved } = target;
  return await testBuild(home, {
    name: `test:${id}@${number}:${randomUUID()}`,
    dir: home.layout.build(id, build),
    resolved,
    given: [],
    brief,
  }, signal);
}

/** Keeps a report with its generation and in the slot's log. */
export async function keepReport(
  home: Home,
  target: StoredGeneration,
  report: TestReport,
  actor: Actor | undefined,
): Promise<void> {
  const { skill_id: id, digest } = target;
  await commit(
    home,
    { actor, action: "test", skill_id: id, digest, details: { passed: report.passed } },
    (tx) => {
      touchSkill(tx, id, "other");
      storeTests(tx, target, compactReport(report));
    },
  );
  await appendSlotLog(home.layout, target, "tests", describe(report));
}

/** The generation as it is now. @throws {SkillError} `conflict` when its status changed */
export function fresh(tx: HomeTransaction, target: StoredGeneration): StoredGeneration {
  const row = tx.sql.get(
    "select status from generations where skill_id = ? and number = ?",
    target.skill_id,
    target.number,
  );
  if (row?.["status"] === target.status) return target;
  throw changed(target, row?.["status"]);
}

/** Does something with a generation; when it fails and the generation changed meanwhile, that is the reason. @throws {SkillError} `conflict` */
export async function unlessChanged<T>(
  home: Home,
  target: StoredGeneration,
  action: () => Promise<T>,
): Promise<T> {
  try {
    return await action();
  } catch (error) {
    const generations = home.view.find(target.skill_id)?.generations ?? [];
    const now = generations.find(({ number }) => number === target.number);
    throw now?.status === target.status ? error : changed(target, now?.status);
  }
}

function changed(target: StoredGeneration, found: unknown): SkillError {
  return new SkillError("conflict", `"${target.skill_id}" was changed by somebody else at the same time`, {
    fix: "look at its status and try again",
    details: { id: target.skill_id, expected: target.status, found: found ?? null },
  });
}

interface Subject {
  readonly name: string;
  readonly dir: string;
  readonly resolved: ResolvedManifest;
  readonly given: readonly Example[];
  readonly onResult?: TestBuildOptions["onResult"];
  readonly told?: number | undefined;
  readonly brief?: boolean;
}

async function testBuild(home: Home, subject: Subject, signal: AbortSignal | undefined): Promise<TestReport> {
  const { name, dir, resolved, given, onResult, told, brief = false } = subject;
  const source = join(dir, "src");
  const digests = await home.integrity.requireSource(resolved.manifest.id, source, resolved.digest);
  // Tests begin with nothing kept, and what they keep goes.
  const state = resolved.manifest.state === undefined ? undefined : await home.staging.temporary();
  try {
    const made = await home.programs.make({
      name,
      dir,
      resolved,
      needSecrets: false,
      ...(state === undefined ? {} : { state }),
    });
    const examples = brief ? [] : await readExamples(source);
    return await testProgram(
      home.runner,
      {
        program: { ...made, digests },
        resolved,
        settings: home.settings,
        examples,
        given,
        onResult,
        told,
        brief,
      },
      signal,
    );
  } finally {
    if (state !== undefined) await rm(state, { recursive: true, force: true, maxRetries: 3 });
  }
}

function describe(report: TestReport): string {
  const { handshake, cases, examples, given, triggers = [], probes = [], health } = report;
  const lines = [
    `handshake ${handshake.ok ? "passed" : `failed: ${handshake.error?.message ?? ""}`}`,
    ...cases.map(({ name, status, message }) =>
      `${status} ${name}${message === undefined ? "" : `\n${message}`}`
    ),
    ...[...examples, ...given].map(({ example, status, got, error }) => {
      const came = status === "passed"
        ? ""
        : ` got ${error === undefined ? JSON.stringify(got) : error.message}`;
      return `${status} example ${JSON.stringify(example.input).slice(0, 500)}${came.slice(0, 2000)}`;
    }),
    ...triggers.map(({ test, status, message }) =>
      `${status} trigger ${JSON.stringify(test.text)}${message === undefined ? "" : `: ${message}`}`
    ),
    ...probes.filter(({ status }) => status !== "passed").map(({ status, tool, what, message = "" }) =>
      `${status} odd input of ${tool}, ${what}: ${message}`
    ),
    ...(health === null ? [] : [`health ${health.ok ? "passed" : `failed: ${health.error?.message ?? ""}`}`]),
    ...(report.logs === "" ? [] : [report.logs]),
    `${report.passed ? "passed" : "failed"} in ${report.ms} ms`,
  ];
  return lines.join("\n");
}
