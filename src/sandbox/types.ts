import type { Readable, Writable } from "node:stream";
import type { Json } from "../base/json.ts";
import type { LimitName } from "./limit-names.ts";

/** What untrusted code may do. Everything not named is denied. Paths are absolute host paths without links. */
export interface SandboxPolicy {
  /** Readable besides the program itself. */
  readonly read: readonly string[];
  readonly write: readonly string[];
  /** Folders of `write` that count with the scratch folder: what may be in all of them together is limited. */
  readonly kept?: readonly string[];
  readonly network: boolean | readonly string[];
  /** Whether child processes may be started. */
  readonly spawn: boolean;
  readonly limits: SandboxLimits;
}

export interface SandboxLimits {
  readonly memory_mb: number;
  /** Percent of one core. */
  readonly cpu_percent: number;
  /** CPU seconds of the whole process life; absent for daemons. */
  readonly cpu_seconds?: number;
  readonly file_size_mb: number;
  /** Total of the scratch folder; what the host puts into `in/` does not count. */
  readonly scratch_mb: number;
  /** Read from and written to disk during one call. Absent: any amount. */
  readonly disk_io_mb?: number;
  readonly open_files: number;
  /** Processes and threads together. */
  readonly processes: number;
}

/** A Python program to be confined: always the trusted bootstrap, which starts the untrusted part. */
export interface SandboxProgram {
  /** Absolute path of the interpreter. */
  readonly interpreter: string;
  /** Directories that must be readable for it: interpreter, package sources, site-packages. */
  readonly roots: readonly string[];
  /** Host folder that holds `in/` and `out/`, which the program sees below its working directory. */
  readonly scratch: string;
  /** The bootstrap replaces itself, once, by the program that its orders name. Default false. */
  readonly command?: boolean;
}

/** Every promise that a backend can or cannot keep here. */
export const CAPABILITIES = [
  "file_read",
  "file_write",
  "network_deny",
  "network_allow_list",
  "network_open",
  "process_spawn_deny",
  "process_spawn_allow",
  "tree_kill",
  "memory",
  "cpu",
  "file_size",
  "scratch_total",
  "disk_io",
] as const;

/** A promise that a backend can or cannot keep here. */
export type Capability = (typeof CAPABILITIES)[number];

export type BackendName = "bubblewrap" | "landlock" | "unsafe-none";

/** What a canary, run with the very flags, found. */
export interface SandboxReport {
  readonly backend: BackendName;
  readonly usable: boolean;
  readonly enforced: readonly Capability[];
  /** Below it programs that may start processes get a group of the kernel's. Absent where none is to be had. */
  readonly group?: Pick<CgroupPlan, "parent" | "version">;
  /** What is not enforced, why, and how to get it. */
  readonly missing: readonly {
    readonly capability: Capability;
    readonly reason: string;
    readonly fix: string;
  }[];
}

/** How a process is to be started: data only, so that it can be shown (`run --explain`). */
export interface SandboxPlan {
  readonly backend: BackendName;
  readonly command: string;
  readonly args: readonly string[];
  /** Names and values of the environment; no secrets. */
  readonly env: Readonly<Record<string, string>>;
  /** Sent to the bootstrap: rlimits, Landlock rules, seccomp filter, working directory. */
  readonly confine: { readonly [key: string]: Json };
  /** Bytes of the seccomp filter that the backend itself installs, if any. */
  readonly filter?: Uint8Array;
  /** Where the program sees the scratch folder. */
  readonly workdir: string;
  /** Asked for, but not enforced; not empty only for `unsafe-none`. */
  readonly unenforced: readonly Capability[];
  /** Limits that the host keeps itself, by looking at the running process. */
  readonly watch?: {
    /** Folders on the host's disk that the program fills. */
    readonly folders: readonly string[];
    /** A folder below them that the host fills. */
    readonly except?: string;
    readonly max_bytes: number;
    readonly max_entries: number;
  };
  /** A group of the kernel that counts all its processes together. Absent where none is to be had. */
  readonly group?: CgroupPlan;
  /** The program's only way out: a proxy in the host, from spawn to exit. Absent without network. */
  readonly network?: ProxyPlan;
  /** What the host measures in the running processes, to slow them down or end them. */
  readonly measure?: {
    /** Percent of one core. */
    readonly cpu_percent?: number;
    /** Processor time at which the kernel ends the process; measured to know why it ended. */
    readonly cpu_ms?: number;
    /** Of all processes together. */
    readonly memory_bytes: number;
    /** Of one call. */
    readonly disk_bytes?: number;
  };
}

/** Limits of a group of processes, and the group of the kernel below which the host makes it. Plain data. */
export interface CgroupPlan {
  readonly parent: string;
  /** Version 1 has a tree for each controller: this is the one for processes. Version 2 counts memory as well. */
  readonly version: 1 | 2;
  /** Processes and threads, bubblewrap's and the relay's among them. */
  readonly processes: number;
  readonly memory_bytes: number;
}

/** What a skill may connect to: these entries (`host` or `host:port`), or, with `true`, whatever is public. */
export type AllowedHosts = true | readonly string[];

/** Where a proxy listens and what it lets through. */
export interface ProxyPlan {
  /** Absolute path of its socket. The folder is made, for this user only. */
  readonly socket: string;
  readonly allow: AllowedHosts;
  /** Entries (`host:port`) that may lead to addresses that are not public: servers that the user chose. */
  readonly own?: readonly string[];
  /** The way out where the user's network has proxies of its own. */
  readonly upstream?: UpstreamPlan;
}

/** The user's own proxies, by what is asked of them. */
export interface UpstreamPlan {
  readonly tunnel?: Upstream;
  readonly plain?: Upstream;
  /** Hosts and domains that are reached without; `*` is all of them. */
  readonly except: readonly string[];
}

/** A proxy of the network that this machine is in, spoken to in plain HTTP. */
export interface Upstream {
  /** Lower case; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** Value of `Proxy-Authorization`. */
  readonly authorization?: string;
}

export interface ProcessExit {
  /** Exit code, or null when a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  /** Why it did not start at all. */
  readonly error?: string;
  /** The limit for which it ended. */
  readonly limit?: LimitName;
  /** Only the exit code says so, and a program can choose that. */
  readonly claimed?: boolean;
}

/** A started process that waits for its orders. Nothing untrusted has run before `handOver`. */
export interface SandboxedProcess {
  readonly pid: number;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Settles when the bootstrap said it is ready; rejects with `start_failed` if it ended first. */
  readonly ready: Promise<void>;
  /** Sends policy and orders, once. `orders` is what `python/serve.py` reads; secrets travel here and nowhere else. */
  handOver(orders: Json): void;
  /** A call begins: limits of one call count from here. */
  beginCall(): void;
  /** Ends the whole tree at once. May be called any number of times. */
  kill(): void;
  /** Resolves once, after exit; streams are closed a short grace later even if a survivor holds them. */
  readonly exited: Promise<ProcessExit>;
  /** Keeps or does not keep the host alive. */
  ref(): void;
  unref(): void;
}

/** One way to confine. `plan` throws `sandbox_unavailable` naming each point that it cannot enforce. */
export interface SandboxBackend {
  /** `auto` until the choice is made, at the first `probe` or `plan`. */
  readonly name: BackendName | "auto";
  /** Runs the canary, at most once for an object. */
  probe(): Promise<SandboxReport>;
  plan(policy: SandboxPolicy, program: SandboxProgram): Promise<SandboxPlan>;
  spawn(plan: SandboxPlan): SandboxedProcess;
}
