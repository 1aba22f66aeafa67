// Runs every check of the project and sums the tests of all runtimes. Called by .ci/run after `npm ci`.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

interface Step {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Record<string, string>;
  /** The step is a vitest run: its results are counted. */
  readonly counts?: boolean;
}

const reports = mkdtempSync(join(tmpdir(), "skillwright-ci-"));

function vitest(name: string, script: string, filters: readonly string[] = []): Step {
  const args = [
    "run",
    script,
    "--",
    ...filters,
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${join(reports, `${name}.json`)}`,
  ];
  return { name, command: "npm", args, counts: true };
}

const STEPS: readonly Step[] = [
  { name: "ok", command: "npm", args: ["run", "ok"] },
  vitest("node-24", "test"),
  vitest("deno", "test:deno"),
  vitest("node-22", "test:node22"),
  { name: "demo", command: "npm", args: ["run", "demo", "--", "--json"] },
  { name: "demo-landlock", command: "npm", args: ["run", "demo", "--", "--json", "--sandbox", "landlock"] },
  {
    name: "recordings",
    command: "npm",
    args: ["run", "eval:making", "--", "--replay", "test/recordings", "--json"],
  },
  { name: "packed", command: "npm", args: ["run", "test:packed"] },
];

let passed = 0;
let failed = 0;
for (const step of STEPS) {
  const started = performance.now();
  console.log(`\n=== ${step.name}: ${step.command} ${step.args.join(" ")}`);
  const { status } = spawnSync(step.command, step.args, {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, ...step.env },
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const counted = step.counts ? counts(step.name) : undefined;
  passed += counted?.passed ?? (status === 0 ? 1 : 0);
  failed += Math.max(counted?.failed ?? 0, status === 0 ? 0 : 1);
  console.log(`=== ${step.name}: ${status === 0 ? "passed" : `failed with ${status}`} in ${seconds} s`);
}
rmSync(reports, { recursive: true, force: true });
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function counts(name: string): { passed: number; failed: number } | undefined {
  try {
    const report = JSON.parse(readFileSync(join(reports, `${name}.json`), "utf8")) as {
      numPassedTests: number;
      numFailedTests: number;
      numFailedTestSuites: number;
    };
    return { passed: report.numPassedTests, failed: report.numFailedTests || report.numFailedTestSuites };
  } catch {
    return undefined;
  }
}
