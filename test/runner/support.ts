import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { createRunner } from "../../src/runner/runner.ts";
import type { Runner, RunnerLimits, SkillProgram } from "../../src/runner/types.ts";
import type { SandboxBackend } from "../../src/sandbox/types.ts";
import { createSandbox } from "../../src/sandbox/create-sandbox.ts";

const FIXTURES = fileURLToPath(new URL("./fixtures/", import.meta.url));

/** A real interpreter, not a shim. */
export function findTestPython(): Pick<SkillProgram, "interpreter" | "roots"> {
  const script =
    "import os, sys; print(os.path.realpath(sys.executable)); print(os.path.realpath(sys.base_prefix))";
  const [interpreter = "", base = ""] = execFileSync("python3", ["-c", script], { encoding: "utf8" }).split(
    "\n",
  );
  return { interpreter, roots: [base] };
}

/** A program made of a file in `fixtures/`. */
export function fixtureProgram(file: string, overrides: Partial<SkillProgram> = {}): SkillProgram {
  const entry = join(FIXTURES, file);
  const id = basename(file, ".py");
  return {
    key: id,
    id,
    version: "1.0.0",
    ...findTestPython(),
    entry,
    source: dirname(entry),
    site: [],
    serve: id.startsWith("stdio") ? "stdio" : "functions",
    tools: [],
    mode: "daemon",
    concurrent: false,
    policy: {
      read: [],
      write: [],
      network: false,
      spawn: false,
      limits: {
        memory_mb: 512,
        cpu_percent: 100,
        file_size_mb: 64,
        scratch_mb: 128,
        open_files: 64,
        processes: 32,
      },
    },
    env: {},
    secrets: {},
    start_timeout_ms: 20_000,
    call_timeout_ms: 30_000,
    ...overrides,
  };
}

/** Each sandbox that works on this machine. */
export async function usableSandboxes(): Promise<readonly SandboxBackend[]> {
  const all = (["unsafe-none", "landlock", "bubblewrap"] as const).map((backend) =>
    createSandbox({ backend })
  );
  const reports = await Promise.all(all.map((sandbox) => sandbox.probe()));
  return all.filter((_, index) => reports[index]?.usable);
}

/** A folder of its own, removed after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "skillwright-runner-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A runner that is closed after the test, and the folder that its processes work in. */
export function testRunner(
  limits: Partial<RunnerLimits> = {},
  sandbox: SandboxBackend = createSandbox({ backend: "unsafe-none" }),
): Runner & { readonly scratchRoot: string } {
  const scratchRoot = temporaryFolder();
  const runner = createRunner({ sandbox, scratchRoot, limits: { stopGraceMs: 500, ...limits } });
  onTestFinished(() => runner.close());
  return Object.assign(runner, { scratchRoot });
}

/** Processes that have `tag` in their command line, environment or working folder; zombies are not counted. */
export function processesWith(tag: string): readonly number[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    try {
      const status = readFileSync(`/proc/${pid}/stat`, "utf8");
      if (/\) [ZX] /.test(status)) return false;
      return ["cmdline", "environ", "mountinfo"].some((file) =>
        readFileSync(`/proc/${pid}/${file}`, "latin1").includes(tag)
      );
    } catch {
      return false;
    }
  });
}
