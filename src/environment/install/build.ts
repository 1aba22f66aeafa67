import { randomUUID } from "node:crypto";
import { cp, lstat, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { digestTree } from "../../base/digest.ts";
import { SkillError } from "../../base/errors.ts";
import type { ConfinedUv } from "../confinement/uv-confinement.ts";
import { redactUrls } from "../toolchain/redact-urls.ts";
import type { EnvironmentOptions, EnvironmentRecord, PythonInterpreter, UvTool } from "../types.ts";
import { classifyUvFailure } from "./classify.ts";
import { looksOf } from "./looks.ts";
import { checkPins } from "./pins.ts";
import type { Requirement } from "./requirement.ts";
import { stubScript } from "./stub.ts";
import { sweep } from "./sweep.ts";

/** All that an installation needs, found before. */
export interface BuildPlan {
  readonly requirements: readonly Requirement[];
  readonly isolation: "venv" | "shared";
  readonly python: PythonInterpreter;
  readonly uv: UvTool;
  /** Where uv works: `cache` and `stages` are below it. */
  readonly room: string;
  readonly confined: ConfinedUv;
  /** Pins to install as they are. Absent: they are resolved. */
  readonly pins?: string;
}

const STEP_TIMEOUT_MS = 600_000;

/**
 * Resolves, locks, checks and installs below `room`, then moves the finished environment into `stage`. A killed
 * installation leaves nothing that could be taken for a finished one; what it left below `room` goes with a later one.
 *
 * @throws {SkillError}
 */
export async function buildEnvironment(
  stage: string,
  plan: BuildPlan,
  options: EnvironmentOptions = {},
): Promise<EnvironmentRecord> {
  const name = plan.isolation === "venv" ? "venv" : "env";
  const target = join(stage, name);
  if (await lstat(target).catch(() => undefined) !== undefined) {
    throw new SkillError("environment_failed", `"${target}" is there already`, {
      fix: "build into a new folder",
    });
  }
  const stages = join(plan.room, "stages");
  await sweep(stages);
  const work = join(stages, randomUUID());
  await mkdir(work, { recursive: true, mode: 0o700 });
  try {
    const pins = await install(work, join(work, name), plan, options);
    if (options.signal?.aborted === true) throw new SkillError("cancelled", "the installation was cancelled");
    await move(join(work, name), target);
    return await record(target, name, pins, plan);
  } catch (error) {
    await rm(target, { recursive: true, force: true });
    throw SkillError.from(error, "environment_failed", "the environment could not be built");
  } finally {
    // a process that is just dying may still add a file
    await rm(work, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Makes the environment at `target`; the answer is the text of its pins. */
async function install(
  work: string,
  target: string,
  plan: BuildPlan,
  options: EnvironmentOptions,
): Promise<string> {
  const [stub, pinsFile, python] = [join(work, "deps.py"), join(work, "deps.txt"), plan.python.path];
  const uv = (step: string, ...args: readonly string[]): Promise<void> =>
    runUv(step, args, work, plan, options);
  if (plan.pins === undefined) {
    await writeFile(stub, stubScript(plan.requirements, plan.python.version), { flag: "wx" });
    options.onLog?.(`locking ${plan.requirements.length} requirement(s) with uv ${plan.uv.version}`);
    await uv("lock", "lock", "--script", stub, "--python", python, "--no-sources");
    const form = ["--no-header", "--no-annotate", "--quiet", "--output-file", pinsFile];
    await uv("export", "export", "--script", stub, "--frozen", "--python", python, ...form);
  } else await writeFile(pinsFile, plan.pins, { flag: "wx" });
  const text = await readFile(pinsFile, "utf8");
  const pins = checkPins(text, plan.requirements);

  options.onLog?.(`installing ${pins.length} package(s)`);
  const checked = ["--require-hashes", "--no-build", "--no-sources", "--compile-bytecode", pinsFile];
  if (plan.isolation === "venv") {
    await uv("venv", "venv", "--no-project", "--relocatable", "--python", python, target);
    await sync(["--python", join(target, "bin", "python"), ...checked], work, plan, options);
  } else {
    await mkdir(target);
    await sync(["--python", python, "--target", target, ...checked], work, plan, options);
  }
  return text;
}

/** What is pinned by its hash is the same from the cache: the index is asked only when something is missing there. */
async function sync(
  args: readonly string[],
  work: string,
  plan: BuildPlan,
  options: EnvironmentOptions,
): Promise<void> {
  const cached = await plan.confined.run(["pip", "sync", "--offline", ...args], work, STEP_TIMEOUT_MS);
  if (cached.code === 0) tell(cached.stderr, options);
  else await runUv("install", ["pip", "sync", ...args], work, plan, options);
}

async function runUv(
  step: string,
  args: readonly string[],
  work: string,
  plan: BuildPlan,
  options: EnvironmentOptions,
): Promise<void> {
  const result = await plan.confined.run(args, work, STEP_TIMEOUT_MS);
  tell(result.stderr, options);
  if (result.code !== 0) throw classifyUvFailure(step, result.stderr, plan.requirements);
}

function tell(printed: string, { onLog }: EnvironmentOptions): void {
  for (const line of redactUrls(printed).split("\n")) {
    if (line.trim() !== "") onLog?.(line.trimEnd().slice(0, 500));
  }
}

async function record(
  target: string,
  name: string,
  pins: string,
  plan: BuildPlan,
): Promise<EnvironmentRecord> {
  const isVenv = plan.isolation === "venv";
  const looks = await looksOf(target);
  const minor = plan.python.version.split(".").slice(0, 2).join(".");
  return {
    interpreter: isVenv ? `${name}/bin/python` : plan.python.path,
    python_version: plan.python.version,
    site: [isVenv ? `${name}/lib/python${minor}/site-packages` : name],
    roots: plan.python.roots,
    pins,
    digest: await digestTree(target),
    ...(looks === undefined ? {} : { looks }),
    uv_version: plan.uv.version,
    ...(plan.confined.unenforced === undefined ? {} : { install_unenforced: plan.confined.unenforced }),
  };
}

/** A rename; a copy where the stage is on another file system. Bytecode is valid only with the times of its source. */
async function move(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as { code?: unknown }).code !== "EXDEV") throw error;
    await cp(from, to, {
      recursive: true,
      verbatimSymlinks: true,
      preserveTimestamps: true,
      errorOnExist: true,
    });
  }
}
