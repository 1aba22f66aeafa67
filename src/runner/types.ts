import type { Json } from "../base/json.ts";
import type { SkillError } from "../base/errors.ts";
import type { Serve } from "../manifest/types.ts";
import type { SandboxPolicy } from "../sandbox/types.ts";

/** All that is needed to run one generation of a skill; plain data. Absolute paths. */
export interface SkillProgram {
  /** Processes are shared only below one key: generation, grants, secrets version, tenant. */
  readonly key: string;
  readonly id: string;
  readonly version: string;
  readonly interpreter: string;
  readonly entry: string;
  /** Folder of the package's sources. */
  readonly source: string;
  readonly site: readonly string[];
  /** Further directories that must be readable: the base interpreter. */
  readonly roots: readonly string[];
  readonly serve: Serve;
  readonly tools: readonly string[];
  readonly mode: "daemon" | "one_shot";
  readonly concurrent: boolean;
  readonly policy: SandboxPolicy;
  /** Non-secret environment of the skill. */
  readonly env: Readonly<Record<string, string>>;
  /** Sent on the private descriptor, then forgotten; redacted in everything that comes back. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly start_timeout_ms: number;
  readonly call_timeout_ms: number;
}

export interface CallRequest {
  readonly tool: string;
  readonly input: Json;
  /** Shortens the program's own. Counts the time in the queue. */
  readonly timeout_ms?: number;
  readonly signal?: AbortSignal;
  /** Files for the call, by relative path; the skill finds them below `in/`. */
  readonly files?: Readonly<Record<string, Uint8Array>>;
  readonly onProgress?: (params: Json) => void;
}

export interface CallResult {
  readonly value: Json;
  /** What the skill left in `out/`, by relative path. */
  readonly artifacts: Readonly<Record<string, Uint8Array>>;
  /** What it printed during the call, bounded. */
  readonly logs: string;
  readonly usage: { readonly wall_ms: number; readonly cpu_ms?: number; readonly max_rss_kb?: number };
}

export interface ProcessInfo {
  readonly key: string;
  readonly id: string;
  readonly version: string;
  readonly pid: number;
  readonly state: "pending" | "starting" | "running" | "failed" | "stopped";
  readonly busy: boolean;
  readonly calls: number;
  readonly started_at: number;
}

export type RunnerEvents = {
  readonly log: { readonly key: string; readonly id: string; readonly text: string };
  /** The skill kept dying; an operation should quarantine it. */
  readonly unstable: {
    readonly key: string;
    readonly id: string;
    readonly version: string;
    readonly error: SkillError;
  };
};

/** One run of the package's own tests in its environment. */
export interface TestCase {
  readonly name: string;
  readonly status: "passed" | "failed";
  /** Exception, assertion, traceback of the skill's own lines. */
  readonly message?: string;
}

export interface Runner {
  call(program: SkillProgram, request: CallRequest): Promise<CallResult>;
  /** Starts a process and does the handshake; the daemon is kept. */
  start(program: SkillProgram): Promise<ProcessInfo>;
  /** Runs `tests/test_*.py` below the sources in a process of its own. */
  test(program: SkillProgram, options?: { readonly signal?: AbortSignal }): Promise<{
    readonly cases: readonly TestCase[];
    readonly logs: string;
  }>;
  /** Reads the shape of a Python file with the skill's interpreter, in the sandbox, without executing it. */
  outline(program: Pick<SkillProgram, "interpreter" | "roots">, source: string): Promise<Json>;
  stop(key: string): Promise<void>;
  list(): readonly ProcessInfo[];
  on<Name extends keyof RunnerEvents>(name: Name, listener: (event: RunnerEvents[Name]) => void): () => void;
  close(): Promise<void>;
}
