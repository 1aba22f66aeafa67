// Runs every check of the project and sums the tests of all runtimes. Called by .ci/run after `npm ci`.
import { Buffer } from "node:buffer";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

interface Step {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
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

/** Steps that keep one processor busy: two rows, worked off beside each other. Who builds stands in one row. */
const ROWS: readonly (readonly Step[])[] = [
  [
    { name: "ok", command: "npm", args: ["run", "ok"] },
    { name: "packed", command: "npm", args: ["run", "test:packed"] },
  ],
  [
    { name: "demo", command: "npm", args: ["run", "demo", "--", "--json"] },
    { name: "demo-landlock", command: "npm", args: ["run", "demo", "--", "--json", "--sandbox", "landlock"] },
    {
      name: "recordings",
      command: "npm",
      args: ["run", "eval:making", "--", "--replay", "test/recordings", "--json"],
    },
  ],
];
/** Steps that keep all processors busy. */
const SUITES: readonly Step[] = [
  vitest("node-24", "test"),
  vitest("deno", "test:deno"),
  vitest("node-22", "test:node22"),
];

let passed = 0;
let failed = 0;
await Promise.all(ROWS.map(async (row) => {
  for (const step of row) await run(step, "pipe");
}));
for (const step of SUITES) await run(step, "inherit");
rmSync(reports, { recursive: true, force: true });
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/** Runs a step and counts it. What it says through a pipe is shown when it has ended, in one piece. */
async function run(step: Step, output: "inherit" | "pipe"): Promise<void> {
  const started = performance.now();
  const title = `\n=== ${step.name}: ${step.command} ${step.args.join(" ")}`;
  if (output === "inherit") console.log(title);
  const child = spawn(step.command, step.args, { stdio: ["ignore", output, output] });
  const said: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (part: Buffer) => said.push(part));
  const [status] = await once(child, "close") as [number | null];
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const counted = step.counts ? counts(step.name) : undefined;
  passed += counted?.passed ?? (status === 0 ? 1 : 0);
  failed += Math.max(counted?.failed ?? 0, status === 0 ? 0 : 1);
  if (output === "pipe") console.log(`${title}\n${Buffer.concat(said).toString()}`);
  console.log(`=== ${step.name}: ${status === 0 ? "passed" : `failed with ${status}`} in ${seconds} s`);
}

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
