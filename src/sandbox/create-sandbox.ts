import { isAbsolute } from "node:path";
import process from "node:process";
import { SkillError } from "../base/errors.ts";
import type { BackendParts } from "./backends/backend-parts.ts";
import { Bubblewrap } from "./backends/bubblewrap.ts";
import { type CanaryPython, findCanaryPython } from "./canary/canary-python.ts";
import { findBubblewrap, NO_BUBBLEWRAP } from "./backends/find-bubblewrap.ts";
import { Landlock } from "./backends/landlock.ts";
import { type PythonFiles, pythonFiles } from "./files/python-files.ts";
import { refuseUnenforceable } from "./policy/refuse.ts";
import { unusable } from "./canary/report.ts";
import { spawnPlan } from "./process/spawn.ts";
import { type FilterArch, SYSCALLS } from "./seccomp/syscalls.ts";
import { keepBytecode } from "./backends/trusted-bytecode.ts";
import type {
  BackendName,
  SandboxBackend,
  SandboxedProcess,
  SandboxPlan,
  SandboxPolicy,
  SandboxProgram,
  SandboxReport,
} from "./types.ts";
import { UnsafeNone } from "./backends/unsafe-none.ts";

/** How to choose a sandbox. Programs' paths come from the user's settings or the host's code, never from a skill. */
export interface SandboxOptions {
  /** `auto`: bubblewrap if it works here, else Landlock, else refusal. `unsafe-none` is never chosen by itself. */
  readonly backend?: "auto" | BackendName;
  /** Absolute path of `bwrap`. Default: found on PATH and in the system's folders. */
  readonly bwrapPath?: string;
  /**
   * Absolute path of a control group (version 2) that is delegated to this user, with the controllers `memory` and
   * `pids` switched on for its children. Programs that may start processes get a group of their own below it.
   */
  readonly cgroup?: string;
  /** Where the canary makes its folders. Default: the system's folder for temporary files. */
  readonly tempDir?: string;
  /** The interpreter for the canary. Default: `python3` of the system. */
  readonly python?: () => Promise<CanaryPython>;
  /** The trusted Python files. Default: those of this package. */
  readonly files?: PythonFiles;
}

/**
 * A sandbox for this machine. Nothing is started or opened before the first `probe` or `plan`, which runs the canary;
 * its result is kept for the life of the object.
 *
 * @throws {SkillError} `sandbox_unavailable` from `plan`, naming what cannot be enforced here and how to get it.
 */
export function createSandbox(options: SandboxOptions = {}): SandboxBackend {
  if (options.bwrapPath !== undefined && !isAbsolute(options.bwrapPath)) {
    throw new TypeError(`The path of bwrap must be absolute: received "${options.bwrapPath}"`);
  }
  const files = options.files ?? pythonFiles();
  return options.backend === "unsafe-none" ? new UnsafeNone(files) : new ChosenSandbox(options, files);
}

/** A backend, or what stands in the way of one. */
type Choice =
  | { readonly backend: SandboxBackend; readonly report: SandboxReport }
  | { readonly backend: undefined; readonly report: SandboxReport };

class ChosenSandbox implements SandboxBackend {
  readonly #options: SandboxOptions;
  readonly #files: PythonFiles;
  #choice: Promise<Choice> | undefined;
  #name: BackendName | "auto" = "auto";

  constructor(options: SandboxOptions, files: PythonFiles) {
    this.#options = options;
    this.#files = files;
  }

  get name(): BackendName | "auto" {
    return this.#name;
  }

  async probe(): Promise<SandboxReport> {
    return (await this.#choose()).report;
  }

  async plan(policy: SandboxPolicy, program: SandboxProgram): Promise<SandboxPlan> {
    const { backend, report } = await this.#choose();
    refuseUnenforceable(policy, report);
    if (backend === undefined) throw new SkillError("sandbox_unavailable", "no sandbox works here");
    return await backend.plan(policy, program);
  }

  spawn(plan: SandboxPlan): SandboxedProcess {
    return spawnPlan(plan);
  }

  #choose(): Promise<Choice> {
    this.#choice ??= choose(this.#options, this.#files).then((choice) => {
      this.#name = choice.backend?.name ?? "auto";
      return choice;
    }, (error: unknown) => {
      // A missing Python may be there next time.
      this.#choice = undefined;
      throw error;
    });
    return this.#choice;
  }
}

async function choose(options: SandboxOptions, files: PythonFiles): Promise<Choice> {
  const wanted = options.backend ?? "auto";
  const arch = process.arch in SYSCALLS ? process.arch as FilterArch : undefined;
  if (process.platform !== "linux" || arch === undefined) {
    return { backend: undefined, report: unusable(wanted === "landlock" ? wanted : "bubblewrap", NOT_HERE) };
  }
  const findPython = options.python ?? findCanaryPython;
  const parts = {
    files,
    arch,
    python: async () => {
      const python = await findPython();
      await keepBytecode(python, files);
      return python;
    },
    ...(options.tempDir === undefined ? {} : { tempDir: options.tempDir }),
    ...(options.cgroup === undefined ? {} : { cgroup: options.cgroup }),
  };
  if (wanted === "landlock") return await tried(new Landlock(parts));
  const first = await tryBubblewrap(options.bwrapPath, parts);
  if (first.backend !== undefined || wanted === "bubblewrap") return first;
  const second = await tried(new Landlock(parts));
  return second.backend === undefined
    ? neither(first.report, second.report)
    : explained(second, first.report);
}

async function tryBubblewrap(setting: string | undefined, parts: BackendParts): Promise<Choice> {
  const path = await findBubblewrap(setting);
  return path === undefined
    ? { backend: undefined, report: unusable("bubblewrap", NO_BUBBLEWRAP) }
    : await tried(new Bubblewrap(path, parts));
}

async function tried(backend: SandboxBackend): Promise<Choice> {
  const report = await backend.probe();
  return report.usable ? { backend, report } : { backend: undefined, report };
}

/** Landlock's report, which says what keeps bubblewrap from starting children in its place. */
function explained(choice: Choice, bubblewrap: SandboxReport): Choice {
  const obstacle = bubblewrap.missing[0];
  if (obstacle === undefined) return choice;
  const missing = choice.report.missing.map((entry) =>
    entry.capability === "process_spawn_allow"
      ? { ...entry, reason: `${entry.reason}; ${obstacle.reason}`, fix: obstacle.fix }
      : entry
  );
  return { ...choice, report: { ...choice.report, missing } };
}

function neither(bubblewrap: SandboxReport, landlock: SandboxReport): Choice {
  const [one, other] = [bubblewrap.missing[0], landlock.missing[0]];
  const reason = [one?.reason, other?.reason].filter((text) => text !== undefined).join("; ");
  return {
    backend: undefined,
    report: unusable("bubblewrap", { reason, fix: one?.fix ?? NO_BUBBLEWRAP.fix }),
  };
}

const NOT_HERE = {
  reason:
    `programs are confined on Linux for x64 and arm64 only, this is ${process.platform} on ${process.arch}`,
  fix: "run the host in a Linux container or virtual machine, on Windows in WSL2",
};
