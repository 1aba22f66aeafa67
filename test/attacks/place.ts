import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { createRunner } from "../../src/runner/runner.ts";
import type { Runner, RunnerLimits, SkillProgram } from "../../src/runner/types.ts";
import { type CanaryPython, findCanaryPython } from "../../src/sandbox/canary/canary-python.ts";
import { createSandbox } from "../../src/sandbox/create-sandbox.ts";
import type { BackendName, SandboxBackend } from "../../src/sandbox/types.ts";
import type { OpenSkillsOptions, Skills } from "../../src/skills.ts";
import type { AttackPlace, ProgramOverrides } from "./attack.ts";

const POLICY = {
  read: [],
  write: [],
  network: false,
  spawn: false,
  limits: {
    memory_mb: 256,
    cpu_percent: 400,
    file_size_mb: 4,
    scratch_mb: 16,
    open_files: 64,
    processes: 32,
  },
} as const;

/** Not `/tmp`, where there is a choice: what a manifest calls so is the skill's own scratch folder. */
function spacious(): string {
  return existsSync("/var/tmp") ? "/var/tmp" : tmpdir();
}

/** A place to attack from; everything in it ends with it. */
export class RealPlace implements AttackPlace, AsyncDisposable {
  readonly backend: BackendName;
  readonly sandbox: SandboxBackend;
  readonly unguarded: SandboxBackend = createSandbox({ backend: "unsafe-none" });
  readonly runtime: "node" | "deno" = "Deno" in globalThis ? "deno" : "node";
  readonly isRoot: boolean = process.getuid?.() === 0;
  readonly python: CanaryPython;
  readonly dir: string;
  readonly #ends: (() => unknown)[] = [];

  /** A place for a sandbox whose name is known: one that was probed. Its folder is made below `parent`. */
  static async open(sandbox: SandboxBackend, backend: BackendName, parent?: string): Promise<RealPlace> {
    return new RealPlace(sandbox, backend, await findCanaryPython(), parent ?? spacious());
  }

  private constructor(sandbox: SandboxBackend, backend: BackendName, python: CanaryPython, parent: string) {
    this.dir = realpathSync(mkdtempSync(join(parent, "skillwright-attack-")));
    this.sandbox = sandbox;
    this.backend = backend;
    this.python = python;
  }

  folder(name: string): string {
    const path = join(this.dir, name);
    mkdirSync(path, { recursive: true });
    return path;
  }

  file(name: string, text: string | Uint8Array, mode = 0o644): string {
    const path = join(this.dir, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode });
    return path;
  }

  fresh(): string {
    return this.folder(randomUUID());
  }

  runner(sandbox: SandboxBackend = this.sandbox, limits: Partial<RunnerLimits> = {}): Runner {
    const runner = createRunner({
      sandbox,
      scratchRoot: join(this.fresh(), "scratch"),
      limits: { spares: 0, stopGraceMs: 500, ...limits },
    });
    this.defer(() => runner.close());
    return runner;
  }

  program(code: string, { policy = {}, ...overrides }: ProgramOverrides = {}): SkillProgram {
    const source = this.fresh();
    const entry = join(source, "skill.py");
    writeFileSync(entry, code);
    return {
      key: source,
      id: "attacker",
      version: "1.0.0",
      interpreter: this.python.path,
      roots: this.python.roots,
      entry,
      source,
      site: [],
      serve: "functions",
      tools: [...code.matchAll(/^(?:async )?def ([a-z]\w*)/gm)].map(([, name = ""]) => name),
      mode: "one_shot",
      concurrent: false,
      policy: { ...POLICY, ...policy, limits: { ...POLICY.limits, ...policy.limits } },
      env: {},
      secrets: {},
      start_timeout_ms: 20_000,
      call_timeout_ms: 30_000,
      ...overrides,
    };
  }

  async skills(options: OpenSkillsOptions = {}): Promise<Skills> {
    // Most cases need no home, and this loads everything.
    const { openSkills } = await import("../../src/skills.ts");
    const skills = await openSkills({
      dir: join(this.fresh(), "home"),
      sandbox: this.sandbox,
      programs: { python: this.python.path },
      allowUvInstall: false,
      embeddings: "none",
      cacheDir: join(this.dir, "cache"),
      ...options,
    });
    this.defer(() => skills.close());
    return skills;
  }

  defer(action: () => unknown): void {
    this.#ends.push(action);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#ends.splice(0).toReversed()) await end();
    rmSync(this.dir, { recursive: true, force: true });
  }
}
