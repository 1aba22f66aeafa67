import { Buffer } from "node:buffer";
import process from "node:process";
import { bwrapArguments, WORKDIR } from "../../sandbox/backends/bwrap-arguments.ts";
import { layOut } from "../../sandbox/files/lay-out.ts";
import { pythonFiles } from "../../sandbox/files/python-files.ts";
import { systemFiles, systemFolders } from "../../sandbox/files/system-folders.ts";
import { planNetwork } from "../../sandbox/network/plan-network.ts";
import { buildFilter } from "../../sandbox/seccomp/bpf.ts";
import { type FilterArch, SYSCALLS } from "../../sandbox/seccomp/syscalls.ts";
import type { ProxyPlan, SandboxPlan, SandboxPolicy } from "../../sandbox/types.ts";
import type { PythonInterpreter } from "../types.ts";

/** What an installation may touch. */
export interface InstallRoom {
  readonly python: PythonInterpreter;
  /** The one folder that may be written; cache and stage are below it, so that files can be linked between them. */
  readonly room: string;
  /** Real paths that must be readable besides: uv, certificates, folders of wheels. */
  readonly readable: readonly string[];
  /** A folder of its own, outside the room, that holds `in` and `out`. */
  readonly scratch: string;
}

/** Where an installation may connect to. Nothing in the list: no network. */
export interface InstallNetwork extends Omit<ProxyPlan, "socket"> {
  readonly allow: readonly string[];
}

/** A plan, and the variables that lead a program in it to the network. */
export interface InstallPlan {
  readonly sandbox: SandboxPlan;
  /** Replaces the user's proxy; undefined when the network is as it is outside. */
  readonly proxy: Readonly<Record<string, string>> | undefined;
}

const LIMITS: SandboxPolicy["limits"] = {
  memory_mb: 16_384,
  cpu_percent: 100_000,
  file_size_mb: 16_384,
  scratch_mb: 64,
  open_files: 1024,
  processes: 1024,
};
const RLIMITS = { RLIMIT_CORE: [0, 0] };
const EMPTY_ENV = { PATH: "/usr/bin:/bin", LANG: "C.UTF-8" };
/** Name resolution, certificates, and what programs ask about machine and devices. */
const READABLE_OUTSIDE = [
  "/etc/ssl",
  "/etc/pki",
  "/etc/ca-certificates",
  "/etc/resolv.conf",
  "/etc/hosts",
  "/etc/nsswitch.conf",
  "/etc/host.conf",
  "/etc/gai.conf",
  "/proc/self",
  "/proc/cpuinfo",
  "/proc/meminfo",
  "/proc/stat",
  "/sys/devices/system/cpu",
  "/sys/fs/cgroup",
  "/dev/random",
  "/dev/urandom",
];
const DEVICES = ["/dev/null", "/dev/zero", "/dev/full"];

/** The architecture whose system calls can be filtered, or undefined where Landlock and bubblewrap are not used. */
export function confinableArch(): FilterArch | undefined {
  return process.platform === "linux" && process.arch in SYSCALLS ? process.arch as FilterArch : undefined;
}

/**
 * Namespaces of its own: only the room can be written, nothing of the user's home is there, and the only way out is a
 * proxy that knows the package index.
 *
 * @throws {SkillError} `permission_refused` when the room is not one that can be given away
 */
export async function bubblewrapPlan(
  bwrap: string,
  arch: FilterArch,
  { python, room, readable, scratch }: InstallRoom,
  network: InstallNetwork,
): Promise<InstallPlan> {
  const files = pythonFiles();
  const policy = { read: readable, write: [room], network: network.allow, spawn: true, limits: LIMITS };
  const program = { interpreter: python.path, roots: python.roots, scratch };
  const layout = await layOut(policy, program, [files.dir]);
  const way = planNetwork(policy, program);
  const filter = { fork: false, exec: false, outsiders: false } as const;
  const sandbox: SandboxPlan = {
    backend: "bubblewrap",
    command: bwrap,
    args: bwrapArguments({ policy, program, layout, env: EMPTY_ENV, network: way, boot: files.boot }),
    env: EMPTY_ENV,
    confine: {
      workdir: WORKDIR,
      env: Object.keys(EMPTY_ENV),
      rlimits: RLIMITS,
      ...(way === undefined ? {} : { relay: way.relay }),
      filter: hex(buildFilter({ ...filter, sockets: way === undefined ? "all" : "local" }, arch)),
    },
    // The relay is started by the bootstrap, and is what opens a unix socket.
    filter: buildFilter({ ...filter, sockets: way === undefined ? "all" : "none" }, arch),
    workdir: WORKDIR,
    unenforced: [],
    ...(way === undefined ? {} : { network: { ...way.proxy, ...network } }),
  };
  return { sandbox, proxy: way?.env ?? {} };
}

/** Without a package of the system: only the room can be written, little can be read; the network is as it is outside. */
export function landlockPlan(arch: FilterArch, { python, room, readable }: InstallRoom): InstallPlan {
  const { dir } = pythonFiles();
  const read = [...READABLE_OUTSIDE, ...systemFiles(), dir, ...python.roots, ...readable];
  return besideTheHost(python, {
    drop_capabilities: true,
    rlimits: RLIMITS,
    landlock: {
      required: true,
      execute: true,
      read: [...systemFolders().map(({ path }) => path), ...read],
      write: [...DEVICES, room],
      fill: [],
    },
    filter: hex(buildFilter({ fork: false, exec: false, sockets: "local", outsiders: false }, arch)),
  });
}

/** Nothing but an end together with the host. */
export function barePlan({ python }: InstallRoom): InstallPlan {
  return besideTheHost(python, {});
}

function besideTheHost(python: PythonInterpreter, confine: SandboxPlan["confine"]): InstallPlan {
  const sandbox: SandboxPlan = {
    backend: "landlock" in confine ? "landlock" : "unsafe-none",
    command: python.path,
    args: ["-I", "-S", pythonFiles().boot],
    env: EMPTY_ENV,
    confine: { workdir: "/", env: Object.keys(EMPTY_ENV), ...confine },
    workdir: "/",
    // The whole group is ended after the exit, then.
    unenforced: ["tree_kill"],
  };
  return { sandbox, proxy: undefined };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
