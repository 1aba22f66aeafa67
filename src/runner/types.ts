import type { Json } from "../base/json.ts";
import type { SkillError } from "../base/errors.ts";
import type { JsonSchema, ScriptArgument, Serve } from "../manifest/types.ts";
import type { BackendName, Capability, SandboxPlan, SandboxPolicy } from "../sandbox/types.ts";

/** All that is needed to run one generation of a skill; plain data. Absolute paths. */
export interface SkillProgram {
  /** Processes are shared only below one key: generation, grants, secrets version, tenant. */
  readonly key: string;
  readonly id: string;
  /** Display name; a handshake may answer it in place of the id. */
  readonly name?: string;
  readonly version: string;
  readonly interpreter: string;
  readonly entry: string;
  /** Folder of the package's sources. */
  readonly source: string;
  /** SHA-256 of its Python files by path below `source`: no other bytes are run. Without it they are not compared. */
  readonly digests?: Readonly<Record<string, string>>;
  readonly site: readonly string[];
  /** Further directories that must be readable: the base interpreter. */
  readonly roots: readonly string[];
  readonly serve: Serve;
  /** A program that is started in place of `entry` and speaks the protocol on its standard input and output. */
  readonly command?: DeclaredProgram;
  readonly tools: readonly string[];
  readonly mode: "daemon" | "one_shot";
  /** Calls share one process, if it is a daemon. They take no files, and what they leave in `out/` is not handed back. */
  readonly concurrent: boolean;
  /** The tool that tells how it is, asked while it is idle. Absent: the method `health`. */
  readonly health?: string;
  /** How often it is asked, in place of the runner's own; false for never. */
  readonly health_check_ms?: number | false;
  readonly policy: SandboxPolicy;
  /** Non-secret environment of the skill. */
  readonly env: Readonly<Record<string, string>>;
  /** Sent on the private descriptor, then forgotten; redacted in everything that comes back. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly start_timeout_ms: number;
  readonly call_timeout_ms: number;
}

/** A program that is not a Python file. Absolute path; `args` begins with the name it is called by. */
export type DeclaredProgram = { readonly path: string; readonly args: readonly string[] };

export interface CallRequest {
  readonly tool: string;
  readonly input: Json;
  /** Shortens the program's own. Counts the time in the queue. */
  readonly timeout_ms?: number;
  readonly signal?: AbortSignal;
  /** Files for the call, by relative path; the skill finds them below `in/`. */
  readonly files?: Readonly<Record<string, Uint8Array>>;
  readonly onProgress?: (params: Json) => void;
  /** Told when the skill is about to be asked: from then on it may have done something. */
  readonly onSent?: () => void;
}

export interface CallResult {
  readonly value: Json;
  /** What the skill left in `out/`, by relative path. */
  readonly artifacts: Readonly<Record<string, Uint8Array>>;
  /** What it printed during the call, bounded. */
  readonly logs: string;
  readonly usage: { readonly wall_ms: number; readonly cpu_ms?: number; readonly max_rss_kb?: number };
  /** What confined it. `unenforced` is empty but for `unsafe-none`. */
  readonly sandbox: { readonly backend: BackendName; readonly unenforced: readonly Capability[] };
  /** How many tries it took. Absent: one. */
  readonly attempts?: number;
  /** The skill failed: its fallback command answered, and the first line of `logs` says why. */
  readonly fallback?: true;
}

export interface ProcessInfo {
  readonly key: string;
  readonly id: string;
  readonly version: string;
  readonly pid: number;
  /** `pending` is a spare: no line of the skill has run in it. */
  readonly state: "pending" | "starting" | "running" | "failed" | "stopped";
  /** It takes no further call just now. */
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

/** The shape of a Python file, found by parsing. What `python/outline.py` answers. */
export type ScriptOutline = {
  readonly functions: readonly FunctionOutline[];
  readonly imports: readonly {
    readonly module: string;
    /** From 1. */
    readonly line: number;
    /** A missing one is caught by the script. */
    readonly optional?: boolean;
  }[];
  /** Dotted names of what is called, aliases resolved, each with its first line. */
  readonly calls: readonly { readonly name: string; readonly line: number }[];
  readonly has_main: boolean;
  /** How the file most likely serves calls. */
  readonly serve: Serve;
  /** Names of the contract's JSON-RPC methods that stand in the file as text. */
  readonly methods: readonly string[];
  /** Names that the file uses and nobody defines, each with its first line. */
  readonly undefined?: readonly { readonly name: string; readonly line: number }[];
  readonly doc: string;
  /** Its command line, where it has one that `argparse` reads and that can be understood without running it. */
  readonly arguments?: readonly ScriptArgument[];
  /** The outline was too long: functions have name, line and async only. */
  readonly truncated?: boolean;
};

/** A file that is not Python. */
export type ScriptSyntaxError = {
  readonly syntax_error: { readonly line: number; readonly message: string };
};

/** A top-level function. Schemas are read from its type hints. */
export type FunctionOutline = {
  readonly name: string;
  readonly line: number;
  readonly async: boolean;
  /** Source text of each, like `tool` or `tool(name="x")`. */
  readonly decorators: readonly string[];
  readonly doc: string;
  readonly parameters: readonly {
    readonly name: string;
    readonly kind: "positional_only" | "positional" | "var_positional" | "keyword" | "var_keyword";
    readonly required: boolean;
    readonly annotation?: string;
    readonly schema?: JsonSchema;
    readonly default?: Json;
  }[];
  /** Schema of the object whose keys are the arguments. */
  readonly input_schema: JsonSchema;
  readonly returns?: string;
  readonly output_schema?: JsonSchema;
};

/** Bounds of a runner. Each default stands in `limits.ts`. */
export interface RunnerLimits {
  /** Calls that run at the same time, over all skills. */
  readonly maxConcurrent: number;
  /** Calls of one skill that run at the same time. */
  readonly maxConcurrentPerSkill: number;
  /** Calls that may wait. */
  readonly maxQueue: number;
  /** Idle processes that are kept, over all skills. */
  readonly maxIdle: number;
  /** After so long without a call a daemon is ended. */
  readonly idleMs: number;
  /** How often an idle daemon is asked for its health; one that is not well is ended. */
  readonly healthCheckMs: number;
  /** How long it may take to tell. */
  readonly healthTimeoutMs: number;
  /** Processes of one one-shot program that wait for its next calls, sandboxed, no line of the skill run. 0 for none. */
  readonly spares: number;
  /** After so long without a call a spare is ended. */
  readonly spareMs: number;
  /** Bytes of one protocol message, without its newline. */
  readonly maxMessageBytes: number;
  /** Bytes of log kept for one call. */
  readonly maxLogBytes: number;
  /** Files in, and files out, of one call. */
  readonly maxFiles: number;
  /** Bytes of all files in, and of all files out, of one call. */
  readonly maxFileBytes: number;
  /**
   * How often a daemon is restarted before it counts as unstable: after it died, could not be started, broke the
   * protocol, or was not well. What the host ends for its own reasons does not count.
   */
  readonly maxRestarts: number;
  /** Waits before the restarts after the first, second … death. Before the last one, the longest, the wait doubles. */
  readonly backoffMs: readonly number[];
  /** After so long without a death, the wait for the restart aside, the count starts anew. */
  readonly healthyMs: number;
  /** How long a process may take to end by itself before it is ended. */
  readonly stopGraceMs: number;
  /**
   * How long a call on a process that serves several may take to end after it was cancelled. Then the process is
   * ended, as soon as it runs no other call.
   */
  readonly cancelGraceMs: number;
  /** For one run of a package's tests. */
  readonly testTimeoutMs: number;
  /** For reading the shape of a file. */
  readonly outlineTimeoutMs: number;
}

export interface Runner {
  call(program: SkillProgram, request: CallRequest): Promise<CallResult>;
  /**
   * Runs a command of a program's package, or of the system, once: `words[0]` is a name, or a file of the package as
   * `./name`. It gets the input as JSON on its standard input; what it prints is the answer, text where it isn't JSON.
   */
  command(program: SkillProgram, words: readonly string[], request: CallRequest): Promise<CallResult>;
  /** Starts a process and does the handshake; the daemon is kept. */
  start(program: SkillProgram): Promise<ProcessInfo>;
  /** Runs `tests/test_*.py` below the sources in a process of its own. */
  test(program: SkillProgram, options?: { readonly signal?: AbortSignal }): Promise<{
    readonly cases: readonly TestCase[];
    readonly logs: string;
  }>;
  /** Reads the shape of a Python file with the skill's interpreter, in the sandbox, without executing it. */
  outline(
    program: Pick<SkillProgram, "interpreter" | "roots">,
    source: string,
  ): Promise<ScriptOutline | ScriptSyntaxError>;
  /** How a process of the program would be started, without starting it. Secrets are not in it. */
  plan(program: SkillProgram): Promise<SandboxPlan>;
  /** What the skill answers to `health`; one that has no such method is healthy when it answers at all. */
  health(program: SkillProgram): Promise<Json>;
  /** Ends the processes of a key; calls on them end with `closed`. Its restarts are counted anew. */
  stop(key: string): Promise<void>;
  /** Whether a call of that key finds a process that waits for it. */
  isReady(key: string): boolean;
  /** How often the processes of a key died by themselves, lately; each is followed by a restart. */
  deaths(key: string): number;
  list(): readonly ProcessInfo[];
  on<Name extends keyof RunnerEvents>(name: Name, listener: (event: RunnerEvents[Name]) => void): () => void;
  close(): Promise<void>;
}
