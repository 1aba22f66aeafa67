// Proves that tests fail when what they guard is taken out. Each entry of test/guards/*.json names a text of the
// sources, what stands there without the guard, and a test: the test must pass on the sources as they are and fail on
// the changed ones. Everything happens in a scratch copy. `--part NAME` takes one file of guards, `--id ID` one guard,
// `--json` prints one JSON document.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { z } from "zod";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const GUARDS = join(ROOT, "test/guards");
/** How long one run of vitest may take; a change can make a test loop for ever. */
const RUN_MS = 180_000;
/** A test that only hangs without its guard has failed after this. */
const TEST_MS = 20_000;

const UNHANDLED = "an error that nobody handled";

/** One guard, how to take it out, and the test that notices. */
export interface Guard {
  /** Unique over all parts. */
  readonly id: string;
  /** The changed file, from the root of the project. */
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly find: string;
  /** Stands there when the guard is taken out. */
  readonly replace: string;
  /** As in requirements.json: `test/part/file.test.ts > name of the test`. */
  readonly test: string;
  /** The test builds upon those before it: the whole file is run, not the test alone. Default false. */
  readonly whole_file?: boolean | undefined;
  /** The rows of requirements.json that this proves. */
  readonly requirements: readonly string[];
  /** The name of the file of guards, without its ending. */
  readonly part: string;
}

/** What became of one guard. Only `seen failing` proves anything. */
export interface Verdict {
  readonly id: string;
  readonly result: "seen failing" | "survived" | "stale" | "fails unchanged" | "no result";
  /** The first line of the failure, or why there is none. */
  readonly detail: string;
}

const Part: z.ZodType<readonly Omit<Guard, "part">[]> = z.array(z.strictObject({
  id: z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/),
  file: z.string().regex(/^(src|python|schema|skills)\//),
  find: z.string().min(1),
  replace: z.string(),
  test: z.string().regex(/^test\/[\w./-]+\.test\.ts > \S/),
  whole_file: z.boolean().optional(),
  requirements: z.array(z.string()),
}));

/** All guards, checked. @throws {z.ZodError} naming the entry that is not well-formed */
export function readGuards(): readonly Guard[] {
  const files = readdirSync(GUARDS).filter((name) => name.endsWith(".json")).sort();
  return files.flatMap((name) =>
    Part.parse(JSON.parse(readFileSync(join(GUARDS, name), "utf8")))
      .map((guard) => ({ ...guard, part: name.slice(0, -".json".length) }))
  );
}

/** How often a text occurs in another. */
export function occurrences(text: string, part: string): number {
  return text.split(part).length - 1;
}

/** The sources that git knows or would add, with the dependencies of the project linked. */
function makeScratch(): string {
  const scratch = mkdtempSync(join(tmpdir(), "skillwright-guards-"));
  const listed = spawnSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: ROOT,
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  if (listed.status !== 0) throw new Error(`git ls-files failed: ${listed.stderr}`);
  for (const path of listed.stdout.split("\0").filter((name) => name !== "")) {
    mkdirSync(dirname(join(scratch, path)), { recursive: true });
    copyIfThere(join(ROOT, path), join(scratch, path));
  }
  symlinkSync(join(ROOT, "node_modules"), join(scratch, "node_modules"));
  return scratch;
}

/** A file that git knows may be deleted in the working tree. */
function copyIfThere(from: string, to: string): void {
  try {
    cpSync(from, to);
  } catch (error) {
    if ((error as { code?: string }).code !== "ENOENT") throw error;
  }
}

interface TestResult {
  readonly fullName: string;
  readonly status: string;
  readonly failure: string;
}

/** Runs a guard's test. Undefined when vitest did not come to results of single tests. */
async function runTest(
  scratch: string,
  { test, whole_file: whole = false }: Guard,
): Promise<readonly TestResult[] | undefined> {
  const report = join(scratch, "guards-report.json");
  rmSync(report, { force: true });
  const child = spawn(process.execPath, [
    "node_modules/vitest/vitest.mjs",
    "run",
    fileOf(test),
    ...(whole ? [] : ["--testNamePattern", namePattern(test)]),
    "--reporter=json",
    `--outputFile=${report}`,
    `--testTimeout=${TEST_MS}`,
    `--hookTimeout=${TEST_MS}`,
  ], { cwd: scratch, stdio: "ignore", detached: true });
  const timer = setTimeout(() => killGroup(child.pid), RUN_MS);
  const [code] = await once(child, "exit") as [number | null];
  clearTimeout(timer);
  killGroup(child.pid);
  const results = readReport(report);
  // Vitest fails a run for errors that no test is told of.
  const unhandled = code === 1 && results?.every(({ status }) => status !== "failed") === true;
  if (!unhandled) return results;
  return results.map((result) =>
    result.status === "passed" ? { ...result, status: "failed", failure: UNHANDLED } : result
  );
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // All of the group has ended.
  }
}

function readReport(path: string): readonly TestResult[] | undefined {
  const Report = z.object({
    testResults: z.array(z.object({
      assertionResults: z.array(
        z.object({
          fullName: z.string(),
          status: z.string(),
          failureMessages: z.array(z.string()).nullish(),
        }),
      ),
    })),
  });
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
  return Report.parse(JSON.parse(text)).testResults.flatMap(({ assertionResults }) =>
    assertionResults.map(({ fullName, status, failureMessages }) => ({
      fullName,
      status,
      failure: failureMessages?.[0]?.split("\n")[0] ?? "",
    }))
  );
}

function fileOf(test: string): string {
  return test.split(" > ")[0] ?? "";
}

/** Matches the full name of the test; what `test.each` fills in matches anything. */
function namePattern(test: string): string {
  const names = test.split(" > ").slice(1).map((name) =>
    name
      .split(/%[a-z#%]|\$[a-zA-Z]\w*/)
      .map((text) => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&"))
      .join(".*")
  );
  return `(^|\\s)${names.join(".*\\s")}$`;
}

function resultsOf(results: readonly TestResult[], test: string): readonly TestResult[] {
  const pattern = new RegExp(namePattern(test), "s");
  return results.filter(({ fullName, status }) =>
    pattern.test(fullName) && ["passed", "failed"].includes(status)
  );
}

/** Why a test can prove nothing here: it fails as it is, or does not run. Undefined when it passes. */
function whyNoProof(results: readonly TestResult[] | undefined, test: string): Verdict["detail"] | undefined {
  const own = resultsOf(results ?? [], test);
  if (own.length === 0) return "the test does not run here";
  const failed = own.find(({ status }) => status === "failed");
  return failed && failed.failure;
}

async function tryGuard(scratch: string, guard: Guard): Promise<Verdict> {
  const path = join(scratch, guard.file);
  const text = readFileSync(path, "utf8");
  writeFileSync(path, text.replace(guard.find, () => guard.replace));
  try {
    const own = resultsOf((await runTest(scratch, guard)) ?? [], guard.test);
    const failed = own.find(({ status }) => status === "failed");
    if (failed !== undefined) return { id: guard.id, result: "seen failing", detail: failed.failure };
    if (own.length === 0) {
      return { id: guard.id, result: "no result", detail: "the file of the test did not run" };
    }
    return { id: guard.id, result: "survived", detail: guard.test };
  } finally {
    writeFileSync(path, text);
  }
}

/** The guards of one test: it is run once unchanged, then with each guard taken out in turn. */
async function tryTest(
  scratch: string,
  guards: readonly Guard[],
  tell: (verdict: Verdict) => void,
): Promise<void> {
  const [first] = guards;
  const why = first && whyNoProof(await runTest(scratch, first), first.test);
  for (const guard of guards) {
    const found = occurrences(readFileSync(join(scratch, guard.file), "utf8"), guard.find);
    if (found !== 1) tell({ id: guard.id, result: "stale", detail: `found ${found} times in ${guard.file}` });
    else if (why !== undefined) tell({ id: guard.id, result: "fails unchanged", detail: why });
    else tell(await tryGuard(scratch, guard));
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { part: { type: "string" }, id: { type: "string" }, json: { type: "boolean" } },
  });
  const guards = readGuards().filter(({ id, part }) =>
    (values.part === undefined || part === values.part) && (values.id === undefined || id === values.id)
  );
  const verdicts: Verdict[] = [];
  const scratch = makeScratch();
  try {
    for (const run of new Set(guards.map(runOf))) {
      await tryTest(scratch, guards.filter((guard) => runOf(guard) === run), (verdict) => {
        verdicts.push(verdict);
        if (values.json !== true) process.stdout.write(`${line(verdict)}\n`);
      });
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  const seen = verdicts.filter(({ result }) => result === "seen failing").length;
  process.stdout.write(
    values.json === true
      ? `${JSON.stringify({ guards: verdicts.length, seen_failing: seen, verdicts })}\n`
      : `${seen} of ${verdicts.length} guards seen failing\n`,
  );
  process.exitCode = seen === verdicts.length && seen > 0 ? 0 : 1;
}

/** Guards with the same answer share the run without changes. */
function runOf({ test, whole_file: whole }: Guard): string {
  return `${test} ${whole}`;
}

function line({ id, result, detail }: Verdict): string {
  return `${id.padEnd(44)} ${result.padEnd(15)} ${detail.slice(0, 110)}`;
}

if (import.meta.main) await main();
