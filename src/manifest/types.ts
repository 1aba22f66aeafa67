import type { Json } from "../base/json.ts";

/**
 * Shapes shared by all manifest forms. Keys are those of the files: what crosses a border (file, wire, JSON output)
 * is snake_case and keeps its name inside, so that there is one name for one thing.
 */

/** How an entry script serves calls. `functions`: plain functions, the loop is ours. `stdio`, `fd`: it speaks JSON-RPC itself. */
export type Serve = "functions" | "stdio" | "fd";

/** A JSON Schema as a manifest gives it, already checked by `checkSchema`. */
export type JsonSchema = { readonly [key: string]: Json };

/** What does not fit a schema, for a model or a person to act on. */
export interface SchemaProblem {
  /** Place in the value, like `items[2].name`; empty: the value itself. */
  readonly path: string;
  readonly message: string;
}

/** One tool of a skill. */
export interface ToolSpec {
  readonly name: string;
  readonly description: string;
  /** Seconds for one call; narrower than the home's wins. */
  readonly timeout?: number;
  /** Default: any object. */
  readonly input_schema: JsonSchema;
  /** Default: anything. */
  readonly output_schema?: JsonSchema;
  /** May be called again after a failure. Default false. */
  readonly idempotent: boolean;
  /** The same input always gives the same answer, and nothing else happens: testing holds it to that. */
  readonly pure?: boolean;
}

export interface CredentialSpec {
  readonly name: string;
  readonly description: string;
  readonly required: boolean;
}

export interface Permissions {
  /** false: none. true: everything. A list: these hosts (`host` or `host:port`), nothing else. */
  readonly network_access: boolean | readonly string[];
  /** `./x` is below the package, `/tmp` the scratch folder; other absolute paths are the host's. */
  readonly file_read: readonly string[];
  readonly file_write: readonly string[];
  readonly process_spawn: boolean;
}

export interface ResourceLimits {
  readonly max_memory_mb: number;
  readonly max_cpu_percent: number;
  /** Seconds of wall time of one call. */
  readonly max_execution_time: number;
  readonly max_file_size_mb: number;
  /** Read from and written to disk during one call. */
  readonly max_disk_io_mb: number;
}

/** What may make a call be tried again, by the names of the manifest. */
export type RetryReason = "timeout" | "resource_limit" | "network_error" | "process_died";

/** What a manifest says of failures. What it leaves out comes from the home. Times are seconds. */
export interface ResilienceSpec {
  readonly retry_config?: {
    /** Tries of one call, the first one included. */
    readonly max_attempts?: number;
    readonly backoff_strategy?: "exponential" | "constant";
    /** Reasons to try a tool again that is marked idempotent. */
    readonly retry_on?: readonly RetryReason[];
  };
  /** Tries after the first one: the short form of `max_attempts`. */
  readonly retry_attempts?: number;
  readonly circuit_breaker?: {
    /** Failures in a row after which the skill is left alone. */
    readonly failure_threshold?: number;
    readonly recovery_timeout?: number;
  };
  /** Whether, and how often, an idle process is asked how it is. */
  readonly health_check?: { readonly enabled?: boolean; readonly interval?: number };
  /** Of all tries of one call together, waits and fallback included. */
  readonly timeout?: number;
  /** A command line, split into words without a shell. */
  readonly fallback_command?: string;
}

/** A Python skill's manifest, checked, with defaults filled in, whichever form it was written in. */
export interface PythonManifest {
  readonly type: "python";
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly description: string;
  /** What is started: a Python file, or the program of `command`. */
  readonly entry_file: string;
  /** A program of the package, as `./name`, and its arguments: not Python, speaks the protocol itself. */
  readonly command?: readonly string[];
  readonly min_uv_version?: string;
  readonly min_python?: string;
  readonly triggers: readonly string[];
  /** Absent: found by parsing the entry script. */
  readonly serve?: Serve;
  readonly mode: "daemon" | "one_shot";
  readonly isolation: "venv" | "shared";
  readonly concurrent: boolean;
  readonly default_tool?: string;
  readonly setup?: string;
  readonly health?: string;
  /** It keeps state between runs, in a folder of its own. */
  readonly state?: StateSpec;
  /** Empty: one tool `invoke`, or what the entry script shows, found by parsing. */
  readonly tools: readonly ToolSpec[];
  readonly credentials: readonly CredentialSpec[];
  readonly security: {
    readonly permissions: Permissions;
    /** Only what the manifest gives; the home's limits fill the rest. */
    readonly resource_limits: Partial<ResourceLimits>;
  };
  readonly resilience?: ResilienceSpec;
  /** Other skills by id, with semver ranges. */
  readonly dependencies: Readonly<Record<string, string>>;
  /** Ids of skills that it can stand for where others depend on them, with the version it counts as. */
  readonly provides?: Readonly<Record<string, string>>;
  readonly metadata: { readonly tags: readonly string[]; readonly category?: string };
}

/** What a skill keeps between its runs. */
export interface StateSpec {
  /** Of what stands in its folder: a version with a higher one brings it up. */
  readonly schema_version: number;
  /** The tool that does, with `{ from_version, to_version }`, on a copy. */
  readonly migrate?: string;
}

/** One argument of a program's command line, read from its `argparse` calls. */
export interface ScriptArgument {
  /** Name of the value. */
  readonly name: string;
  /** The option before it, long where it has a long one; absent: its place tells it. */
  readonly flag?: string;
  readonly kind: "value" | "true" | "false" | "count" | "append";
  readonly type: "string" | "integer" | "number";
  /** It takes several values. */
  readonly list: boolean;
  readonly required: boolean;
  readonly choices?: readonly Json[];
  readonly default?: Json;
  readonly help: string;
}

/** The PEP 723 header of a script. */
export interface ScriptMetadata {
  readonly requires_python?: string;
  readonly dependencies: readonly string[];
  /** The `[tool]` table, as data. */
  readonly tool: { readonly [key: string]: Json };
}

export type Severity = "error" | "warning" | "hint";

/** Something to tell about a package. A finding of severity `error` stops an install. */
export interface Finding {
  readonly severity: Severity;
  /** Stable name of the rule, like `manifest/unknown-key`. */
  readonly rule: string;
  readonly message: string;
  readonly fix?: string;
  /** Path inside the package. */
  readonly file?: string;
  /** From 1. */
  readonly line?: number;
}

/** A package as it says itself what it is. Nothing of it was executed. */
export interface SkillPackage {
  /** What was loaded, for `readPackageFiles`: the package's folder, or the one file that is the whole skill. Absolute. */
  readonly path: string;
  /** The folder that the entry file is relative to. */
  readonly dir: string;
  /** Where the manifest stood. */
  readonly form: "manifest.toml" | "pep723";
  readonly manifest: PythonManifest;
  readonly script: ScriptMetadata;
  /** Text of the entry file. */
  readonly source: string;
  readonly hints: readonly Finding[];
}
