import { Buffer } from "node:buffer";
import { mkdir } from "node:fs/promises";
import process from "node:process";
import { CANARY_LIMITS, CanaryRange } from "../canary/canary.ts";
import { makeReport, type Obstacle, obstaclesFound, unusable } from "../canary/report.ts";
import { layOut } from "../files/lay-out.ts";
import { systemFiles, systemFolders } from "../files/system-folders.ts";
import { measured, scratchWatch } from "../policy/host-limits.ts";
import { resourceLimits } from "../policy/limits.ts";
import { refuseUnenforceable } from "../policy/refuse.ts";
import { programEnvironment } from "../process/environment.ts";
import { spawnPlan } from "../process/spawn.ts";
import { buildFilter } from "../seccomp/bpf.ts";
import { newExecKey } from "../seccomp/exec-key.ts";
import type {
  Capability,
  SandboxBackend,
  SandboxedProcess,
  SandboxPlan,
  SandboxPolicy,
  SandboxProgram,
  SandboxReport,
} from "../types.ts";
import type { BackendParts } from "./backend-parts.ts";

/** What libraries ask about the machine and about themselves. Not the whole of /proc: others' command lines are there. */
const MACHINE = ["/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/sys/devices/system/cpu"];
const DEVICES = ["/dev/null", "/dev/zero", "/dev/full"];
const RANDOM = ["/dev/random", "/dev/urandom"];

/**
 * Landlock, a strict filter and limits, all by the bootstrap itself: no package of the system is needed. For programs
 * without network and without children. A program sees that other files exist, their sizes and times, but not
 * what is in them; it cannot change modes and times even of its own files.
 */
export class Landlock implements SandboxBackend {
  readonly name = "landlock";
  readonly #parts: BackendParts;
  #report: Promise<SandboxReport> | undefined;

  constructor(parts: BackendParts) {
    this.#parts = parts;
  }

  probe(): Promise<SandboxReport> {
    this.#report ??= CanaryRange.use(this.#parts.tempDir, (range) => this.#attack(range));
    return this.#report;
  }

  async plan(policy: SandboxPolicy, program: SandboxProgram): Promise<SandboxPlan> {
    refuseUnenforceable(policy, await this.probe());
    return await this.#plan(policy, program);
  }

  spawn(plan: SandboxPlan): SandboxedProcess {
    return spawnPlan(plan);
  }

  async #plan(policy: SandboxPolicy, program: SandboxProgram): Promise<SandboxPlan> {
    const { files, arch } = this.#parts;
    const layout = await layOut(policy, program, [files.dir]);
    const { scratch } = program;
    const temporary = `${scratch}/.tmp`;
    await mkdir(temporary, { recursive: true });
    const env = programEnvironment(scratch, temporary);
    const key = program.command === true ? newExecKey() : undefined;
    const exec = key?.words ?? true;
    const filter = buildFilter({ fork: true, exec, sockets: "all", outsiders: true }, arch);
    return {
      backend: this.name,
      command: program.interpreter,
      args: ["-I", "-S", files.boot],
      env,
      confine: {
        workdir: scratch,
        env: Object.keys(env),
        parent: process.pid,
        drop_capabilities: true,
        grants: layout.identities,
        rlimits: resourceLimits(policy.limits, false),
        landlock: {
          required: true,
          execute: key !== undefined,
          read: [
            ...systemFolders().map(({ path }) => path),
            ...systemFiles(),
            ...MACHINE,
            ...RANDOM,
            ...layout.read,
            `${scratch}/in`,
          ],
          write: [...DEVICES, ...layout.write, temporary, `${scratch}/out`],
          // Here no folder can be removed: a link in the place of `out` would lead the host elsewhere.
          fill: [scratch],
        },
        filter: Buffer.from(filter).toString("hex"),
        ...(key === undefined ? {} : { exec_key: key.text }),
      },
      workdir: scratch,
      unenforced: [],
      watch: { ...scratchWatch(policy.limits, [scratch, ...policy.kept ?? []]), except: `${scratch}/in` },
      measure: measured(policy.limits),
    };
  }

  async #attack(range: CanaryRange): Promise<SandboxReport> {
    const python = await this.#parts.python();
    const plan = await this.#plan(
      { read: [], write: [], network: false, spawn: false, limits: CANARY_LIMITS },
      { interpreter: python.path, roots: python.roots, scratch: range.scratch },
    );
    const attack = await range.attack(plan);
    if (!attack.worked) {
      const reason = `Landlock does not work here (${
        attack.failure ?? "a test program could not do its work"
      })`;
      return unusable(this.name, { reason, fix: UPGRADE });
    }
    return makeReport(this.name, {
      ...obstaclesFound(attack, CANARY_LIMITS.cpu_seconds ?? 0, UPGRADE),
      ...NEVER,
    });
  }
}

const UPGRADE =
  "install bubblewrap, or use Linux 6.2 or later with Landlock switched on (kernel parameter lsm=)";

const NO_NETWORK = "install bubblewrap (apt-get install bubblewrap), or ask for no network_access";

/** What Landlock has no means for. */
const NEVER = {
  network_allow_list: { reason: "Landlock cannot tell one host from another", fix: NO_NETWORK },
  network_open: { reason: "Landlock has no network of its own for a program", fix: NO_NETWORK },
  process_spawn_allow: {
    reason: "without namespaces a child process can outlive its program",
    fix: "install bubblewrap: apt-get install bubblewrap",
  },
} as const satisfies Partial<Record<Capability, Obstacle>>;
