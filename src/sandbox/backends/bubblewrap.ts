import { Buffer } from "node:buffer";
import { readlinkSync } from "node:fs";
import process from "node:process";
import {
  CANARY_LIMITS,
  CanaryRange,
  type CanaryResult,
  refused,
  type SpawnResult,
} from "../canary/canary.ts";
import { makeReport, type Obstacle, obstaclesFound, unusable } from "../canary/report.ts";
import { type Layout, layOut } from "../files/lay-out.ts";
import { systemFolders } from "../files/system-folders.ts";
import { planNetwork } from "../network/plan-network.ts";
import { measured, scratchWatch } from "../policy/host-limits.ts";
import { resourceLimits } from "../policy/limits.ts";
import { refuseUnenforceable } from "../policy/refuse.ts";
import { findCgroupParent } from "../process/cgroup.ts";
import { programEnvironment } from "../process/environment.ts";
import { spawnPlan } from "../process/spawn.ts";
import { buildFilter } from "../seccomp/bpf.ts";
import { newExecKey } from "../seccomp/exec-key.ts";
import type {
  Capability,
  CgroupPlan,
  SandboxBackend,
  SandboxedProcess,
  SandboxPlan,
  SandboxPolicy,
  SandboxProgram,
  SandboxReport,
} from "../types.ts";
import type { BackendParts } from "./backend-parts.ts";
import { bwrapArguments, HOSTNAME, WORKDIR } from "./bwrap-arguments.ts";
import { explainBubblewrapFailure } from "./find-bubblewrap.ts";

/** Bubblewrap outside, and the process that it leaves inside to reap. */
const OWN_PROCESSES = 2;
/** The bootstrap's relay, two for each connection that it carries. */
const RELAY_THREADS = 130;

/**
 * Namespaces, an own view of the file system and a seccomp filter by bubblewrap; a second filter, Landlock and limits
 * by the bootstrap inside. Whatever happens, nothing is left when the host ends.
 */
export class Bubblewrap implements SandboxBackend {
  readonly name = "bubblewrap";
  readonly #path: string;
  readonly #parts: BackendParts;
  readonly #groups: Pick<CgroupPlan, "parent" | "version"> | undefined;
  #report: Promise<SandboxReport> | undefined;

  /** @param path absolute path of the `bwrap` executable */
  constructor(path: string, parts: BackendParts) {
    this.#path = path;
    this.#parts = parts;
    this.#groups = findCgroupParent(parts.cgroup);
  }

  probe(): Promise<SandboxReport> {
    this.#report ??= CanaryRange.use(this.#parts.tempDir, (range) => this.#attack(range));
    return this.#report;
  }

  async plan(policy: SandboxPolicy, program: SandboxProgram): Promise<SandboxPlan> {
    refuseUnenforceable(policy, await this.probe());
    return this.#plan(policy, program, await layOut(policy, program, [this.#parts.files.dir]));
  }

  spawn(plan: SandboxPlan): SandboxedProcess {
    return spawnPlan(plan);
  }

  #plan(policy: SandboxPolicy, program: SandboxProgram, layout: Layout): SandboxPlan {
    const { files, arch } = this.#parts;
    const network = planNetwork(policy, program);
    const env = { ...programEnvironment(WORKDIR, WORKDIR), ...network?.env };
    const alone = !policy.spawn;
    const key = alone && program.command === true ? newExecKey() : undefined;
    const inner = {
      fork: alone,
      exec: key?.words ?? alone,
      sockets: network ? "local" : "all",
      outsiders: false,
    } as const;
    // The relay is started by the bootstrap, and is what opens a unix socket.
    const outer = { ...inner, exec: false, ...(network ? { fork: false, sockets: "none" } as const : {}) };
    return {
      backend: this.name,
      command: this.#path,
      args: bwrapArguments({ policy, program, layout, env, network, boot: files.boot }),
      env,
      confine: {
        workdir: WORKDIR,
        env: Object.keys(env),
        grants: layout.identities,
        rlimits: resourceLimits(policy.limits, process.getuid?.() !== 0),
        landlock: {
          required: false,
          execute: policy.spawn || key !== undefined,
          read: [...systemFolders().map(({ path }) => path), "/etc", "/proc", ...layout.read],
          write: ["/dev", WORKDIR, ...layout.write],
          fill: [],
        },
        ...(network === undefined ? {} : { relay: network.relay }),
        ...(alone || network ? { filter: hex(buildFilter(inner, arch)) } : {}),
        ...(key === undefined ? {} : { exec_key: key.text }),
      },
      filter: buildFilter(outer, arch),
      workdir: WORKDIR,
      unenforced: [],
      ...(network === undefined ? {} : { network: network.proxy }),
      watch: scratchWatch(policy.limits, [`${program.scratch}/out`, ...policy.kept ?? []]),
      measure: measured(policy.limits),
      ...this.#group(policy, network !== undefined),
    };
  }

  /** Without children the limits of one process are those of all. */
  #group({ spawn, limits }: SandboxPolicy, relay: boolean): Pick<SandboxPlan, "group"> {
    if (!spawn || this.#groups === undefined) return {};
    const processes = limits.processes + OWN_PROCESSES + (relay ? RELAY_THREADS : 0);
    return { group: { ...this.#groups, processes, memory_bytes: limits.memory_mb * (1 << 20) } };
  }

  async #attack(range: CanaryRange): Promise<SandboxReport> {
    const python = await this.#parts.python();
    const program = { interpreter: python.path, roots: python.roots, scratch: range.scratch };
    const policy = (spawn: boolean, network: readonly string[] = []) => ({
      read: [],
      write: [],
      network,
      spawn,
      limits: CANARY_LIMITS,
    });
    const layout = await layOut(policy(false), program, [this.#parts.files.dir]);
    const plan = this.#plan(policy(false), program, layout);
    // Bubblewrap alone: the second layer would hide a bubblewrap that does nothing.
    const { landlock: _, filter: __, ...confine } = plan.confine;
    const alone = await range.attack({ ...plan, confine });
    if (alone.failure !== undefined) return unusable(this.name, explainBubblewrapFailure(alone.failure));
    const lie = findLie(alone);
    if (lie !== undefined) return unusable(this.name, { reason: `"${this.#path}" ${lie}`, fix: REINSTALL });
    const full = await range.attack(plan);
    if (!alone.worked || !full.worked) {
      const reason = `a test program could not do its work in it (${full.failure ?? "no output"})`;
      return unusable(this.name, { reason, fix: "report it with the output of skillwright doctor" });
    }
    const spawning = await range.spawns(this.#plan(policy(true), program, layout));
    const misuse = await range.misusesNetwork((allow) => this.#plan(policy(false, allow), program, layout));
    const report = makeReport(this.name, {
      ...obstaclesFound(full, CANARY_LIMITS.cpu_seconds ?? 0, REINSTALL),
      ...furtherObstacles(spawning, misuse),
    });
    return { ...report, ...(this.#groups === undefined ? {} : { group: this.#groups }) };
  }
}

const REINSTALL =
  "install bubblewrap from your distribution and let no other file of that name stand before it on PATH";

/** What a bubblewrap that does not confine gives away, or undefined. */
function findLie(alone: CanaryResult): string | undefined {
  const identity = alone.facts["identity"] as { pid?: number; node?: string; namespace?: string } | null;
  if (alone.secretRead) return "let a test program read a file outside its view";
  if (alone.outsideWritten) return "let a test program change a file outside its view";
  if (alone.serverReached) return "let a test program reach a server of this machine";
  if (!refused(alone.facts, "fork")) return "did not install the filter of system calls";
  const isolated = identity?.pid === 1 && identity.node === HOSTNAME &&
    identity.namespace !== readlinkSync("/proc/self/ns/pid");
  return isolated ? undefined : "did not make the namespaces that were asked for";
}

/** What an attack by one program does not show. */
function furtherObstacles(
  { treeDies, children }: SpawnResult,
  misuse: string | undefined,
): Partial<Record<Capability, Obstacle>> {
  const bomb = {
    reason: `a test program started ${children} processes, its limit was ${CANARY_LIMITS.processes}` +
      (process.getuid?.() === 0 ? ": root is exempt from that limit" : ""),
    fix: "run the host as an ordinary user, or give it a control group",
  };
  const survivor = { reason: "a test program's daemon survived it", fix: "ask for no process_spawn" };
  const network = misuse === undefined ? undefined : { reason: misuse, fix: "ask for no network_access" };
  return {
    // One proxy serves both: what it holds back for a list, it holds back for all.
    ...(network === undefined ? {} : { network_allow_list: network, network_open: network }),
    ...(children > CANARY_LIMITS.processes ? { process_spawn_allow: bomb } : {}),
    ...(treeDies ? {} : { process_spawn_allow: survivor, tree_kill: survivor }),
  };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
