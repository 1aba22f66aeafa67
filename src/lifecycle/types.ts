import type { Json } from "../base/json.ts";
import type { SkillErrorValue } from "../base/errors.ts";
import type { SearchDocument, TrialAnswer } from "../discovery/types.ts";
import type {
  CredentialSpec,
  Finding,
  Permissions,
  PythonManifest,
  ResilienceSpec,
  ResourceLimits,
  Serve,
  ToolSpec,
} from "../manifest/types.ts";
import type { EnvironmentRecord } from "../environment/types.ts";
import type { CallResult, ProcessInfo, TestCase } from "../runner/types.ts";
import type { Enforcement } from "../sandbox/enforced-by.ts";
import type { SandboxPlan, SandboxPolicy } from "../sandbox/types.ts";

/** Status of a generation. Transitions: see `canTransition` in status.ts. */
export type SkillStatus = "pending" | "testing" | "active" | "disabled" | "quarantined";

/** Where a generation of a version runs from. */
export type Slot = "A" | "B";

/** One installed state of a skill. */
export interface Generation {
  readonly number: number;
  readonly skill_id: string;
  readonly version: string;
  readonly slot: Slot;
  /** Digest of the build folder's contents that count: package files, pins, interpreter. */
  readonly build: string;
  /** Digest of the package's files: what an approval is bound to. */
  readonly digest: string;
  readonly status: SkillStatus;
  readonly last_error: string | null;
  readonly tests: TestReport | null;
  /** Milliseconds since 1970. */
  readonly installed_at: number;
  readonly updated_at: number;
}

/** What `list` and the host show of a skill: no internal paths. */
export interface SkillInfo {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly status: SkillStatus;
  readonly last_error: string | null;
  readonly description: string;
  readonly tools: readonly ToolSpec[];
  readonly default_tool: string;
  readonly permissions: Permissions;
  readonly serving: GenerationInfo | null;
  readonly candidate: GenerationInfo | null;
}

/** What is shown of a generation. */
export interface GenerationInfo {
  readonly version: string;
  readonly slot: Slot;
  readonly digest: string;
  readonly status: SkillStatus;
  readonly last_error: string | null;
}

/** `resolved.manifest.json` of a build: everything a start needs, nothing to be guessed. Placeholders for secrets. */
export interface ResolvedManifest {
  readonly format: 1;
  readonly manifest: PythonManifest;
  readonly serve: Serve;
  readonly tools: readonly ToolSpec[];
  readonly default_tool: string;
  readonly environment: EnvironmentRecord;
  readonly limits: ResourceLimits;
  /** Seconds. */
  readonly timeouts: { readonly start: number; readonly call: number };
  /** Environment of the skill; secrets as `${secret:NAME}`. */
  readonly env: Readonly<Record<string, string>>;
  readonly digest: string;
}

/** Package files as text, by relative path with `/`: what a graph's state holds. */
export type PackageFiles = Readonly<Record<string, string>>;

/** An example of what a tool must do: given by the caller, or in `tests/examples.jsonl`. */
export interface Example {
  /** Absent: the default tool. */
  readonly tool?: string;
  readonly input: Json;
  readonly expected?: Json;
  /**
   * `equal`: JSON equal. `approx`: numbers within 1e-4 relative or 1e-3 absolute. `subset`: listed keys equal, extra
   * allowed. `error`: the call must fail. Default `equal`.
   */
  readonly compare?: "equal" | "approx" | "subset" | "error";
  readonly description?: string;
  /** Text files that the call finds below `in/`, by relative path. */
  readonly files?: Readonly<Record<string, string>>;
  /** Text files that it must leave below `out/`, letter for letter; further ones are allowed. */
  readonly artifacts?: Readonly<Record<string, string>>;
}

/** Bounds of examples. */
export const EXAMPLE_BOUNDS: { readonly most: number; readonly fileBytes: number } = {
  most: 1000,
  fileBytes: 4 * 1024 * 1024,
};

/** How a tool did on an example. */
export interface ExampleResult {
  readonly example: Example;
  readonly status: "passed" | "failed";
  readonly got?: Json;
  /** What came of the files that were expected, where it is not what was expected; null: no such file. */
  readonly artifacts?: Readonly<Record<string, string | null>>;
  readonly error?: SkillErrorValue;
  /** The end of what the skill printed, where the answer was wrong. */
  readonly log?: string;
}

/** What came of a call that no example asks for: the same input again, or one that the tool was not made for. */
export interface ProbeResult {
  readonly probe: "repeat" | "hostile";
  readonly tool: string;
  /** What was tried, in words. */
  readonly what: string;
  /** Left out where it is long. */
  readonly input?: Json;
  /** `noted`: no failure, but somebody should know. */
  readonly status: "passed" | "noted" | "failed";
  readonly message?: string;
  readonly error?: SkillErrorValue;
}

/** A sentence that should find a skill, or should not: a line of `tests/triggers.jsonl`. */
export interface TriggerTest {
  readonly text: string;
  readonly find: boolean;
  /** Among how many the skill counts as found. Default 3 where it should be found, 1 where it should not. */
  readonly top?: number | undefined;
}

/** Whether a sentence finds the skill as it should. */
export interface TriggerResult {
  readonly test: TriggerTest;
  /** `skipped`: no model, so that nothing can be said. */
  readonly status: "passed" | "failed" | "skipped";
  /** Where the skill stands; null when it isn't found at all. */
  readonly rank: number | null;
  readonly message?: string;
}

/** Tries where a skill's document stands among those that pass the filter, sentence by sentence. */
export type TriggerTrial = (
  document: SearchDocument,
  texts: readonly string[],
  filter: (document: SearchDocument) => boolean,
) => Promise<TrialAnswer>;

/** The result of testing one build. */
export interface TestReport {
  readonly passed: boolean;
  readonly handshake: { readonly ok: boolean; readonly error?: SkillErrorValue };
  /** The package's own `tests/test_*.py`. */
  readonly cases: readonly TestCase[];
  /** The package's own `tests/examples.jsonl`. */
  readonly examples: readonly ExampleResult[];
  /** Examples of the caller. */
  readonly given: readonly ExampleResult[];
  /** The package's own `tests/triggers.jsonl`; absent where none were tried. */
  readonly triggers?: readonly TriggerResult[];
  readonly health: { readonly ok: boolean; readonly error?: SkillErrorValue } | null;
  /** What goes beyond the examples; absent where it was not tried. */
  readonly probes?: readonly ProbeResult[];
  /** What was printed, but for what the caller's examples made it print. */
  readonly logs: string;
  readonly ms: number;
}

/** What validation found. `ok` when no finding has severity `error`. */
export interface ValidationReport {
  readonly ok: boolean;
  readonly findings: readonly Finding[];
  /** Present when the manifest could be read. */
  readonly manifest?: PythonManifest;
  readonly serve?: Serve;
  readonly tools?: readonly ToolSpec[];
  readonly dependencies?: readonly string[];
}

/** What a test of a staged build is given. */
export interface TestBuildOptions {
  /** Examples of the caller. */
  readonly examples?: readonly Example[];
  /**
   * Also tries what examples do not: the same inputs again, and inputs that the tools were not made for. So many of the
   * examples, from the first, may show in what comes of it.
   */
  readonly told?: number;
  /** Told of each of them as it was tried. */
  readonly onResult?: ((result: ExampleResult) => void) | undefined;
  readonly signal?: AbortSignal;
}

/** A built but not installed package: `.state/staging/<key>`. What was tested is what is installed. */
export interface StagedBuild {
  readonly key: string;
  readonly dir: string;
  readonly digest: string;
  readonly build: string;
  readonly resolved: ResolvedManifest;
  readonly findings: readonly Finding[];
}

/** How far a proposal got. */
export type ProposalStatus = "pending" | "approved" | "rejected" | "installed";

/** A package that waits for approval. The paper's fields, and what binds and explains it. */
export interface SkillProposal {
  readonly id: string;
  readonly status: ProposalStatus;
  readonly intent: string;
  readonly skill_id: string;
  readonly name: string;
  readonly description: string;
  readonly version: string;
  readonly manifest_toml: string;
  readonly script_source: string;
  readonly credentials: readonly CredentialSpec[];
  readonly dependencies: readonly string[];
  readonly staging_dir: string;
  readonly digest: string;
  readonly files: PackageFiles;
  readonly findings: readonly Finding[];
  readonly tests: TestReport | null;
  readonly permissions: Permissions;
  readonly maker: string;
  readonly rounds: number;
  /** Why it was made although there are other skills. */
  readonly reuse?: string;
  readonly created_at: number;
}

/** Who asks: goes into the audit. */
export interface Actor {
  /** `cli`, `host`, `agent`, `code`. */
  readonly via: string;
  readonly name?: string;
}

/** How a tool is run. */
export interface RunOptions {
  readonly tool?: string;
  readonly timeout_ms?: number;
  readonly signal?: AbortSignal;
  readonly files?: Readonly<Record<string, Uint8Array>>;
  readonly onProgress?: (params: Json) => void;
}

/** What a run gave, and what ran. */
export interface RunResult extends CallResult {
  readonly skill_id: string;
  readonly tool: string;
  readonly generation: GenerationInfo;
}

/** What came of a setup. */
export interface SetupResult {
  readonly skill_id: string;
  readonly generation: GenerationInfo;
  /** What the setup tool answered. */
  readonly value: Json;
  /** What it left for later runs and tests; undefined when it changed nothing. */
  readonly env?: Readonly<Record<string, string>>;
  readonly logs: string;
}

/** What was uninstalled. */
export interface Uninstalled {
  readonly skill_id: string;
  /** In order of their installation. */
  readonly versions: readonly string[];
  /** Whether its data and secrets stay for a later installation. */
  readonly kept_data: boolean;
}

/** A process of a skill. */
export type SkillProcessInfo = Omit<ProcessInfo, "key">;

/** How a tool would be run. Holds names of secrets, never their values. */
export interface RunPlan {
  readonly skill_id: string;
  readonly tool: string;
  /** The serving generation, else the one that would serve next. */
  readonly generation: GenerationInfo;
  readonly mode: "daemon" | "one_shot";
  /** Milliseconds that one call may take. */
  readonly timeout_ms: number;
  readonly policy: SandboxPolicy;
  /** Names of all variables of its environment, credentials left out. */
  readonly environment: readonly string[];
  readonly credentials: readonly { readonly name: string; readonly set: boolean }[];
  readonly enforced: readonly Enforcement[];
  /** The start itself, for an empty scratch folder that no longer exists. */
  readonly plan: SandboxPlan;
}

/** A need of an installed skill that another one fulfils. */
export interface SkillNeed {
  /** Who needs it. */
  readonly skill_id: string;
  readonly version: string;
  /** What it needs, and in which range. */
  readonly name: string;
  readonly range: string;
  /** Whether the version that needs it serves. */
  readonly serving: boolean;
}

/** How a package is installed. */
export interface InstallOptions {
  readonly actor?: Actor;
  /** Installs nothing but what `skills.lock` says, byte for byte. Default false. */
  readonly frozen?: boolean;
  /** Asks no network: what is not at hand is an error. Default false. */
  readonly offline?: boolean;
  readonly test?: boolean;
  readonly signal?: AbortSignal;
  /** Sentences kept as triggers besides the manifest's: the intent that a skill was made for. */
  readonly triggers?: readonly string[];
  /** Told what is begun: `read`, `validate`, `build`, `install`, `test`. */
  readonly onStage?: (stage: string) => void;
  /** Told of each skill that was installed before, because this one needs it. */
  readonly onDependency?: (info: SkillInfo) => void;
}

/** `skills.lock`: what serves in a home, exactly, so that it can be installed again. */
export interface SkillsLock {
  readonly skills: Readonly<
    Record<string, {
      readonly version: string;
      /** Of the package's files. */
      readonly digest: string;
      /** Whether it served. */
      readonly serves: boolean;
      /** Ids of the locked skills that it leans on. */
      readonly needs: readonly string[];
      /** Where it came from, without passwords; local paths are relative to the home. */
      readonly source?: string;
      /** Its Python packages with hashes, as a requirements file. */
      readonly python?: string;
    }>
  >;
}

/** What came of installing a lock. */
export interface InstalledLock {
  /** What was installed just now, in this order. */
  readonly installed: readonly SkillInfo[];
  /** All that was asked for, what is needed first; `serves`: it served when the lock was written. */
  readonly locked: readonly { readonly id: string; readonly serves: boolean }[];
}

/** What an update would change. */
export interface UpdatePlan {
  readonly skill_id: string;
  /** The version that serves. */
  readonly from: string;
  readonly to: string;
  /** Where it is fetched from, without passwords. */
  readonly source: string;
  /** Of the package's files. */
  readonly digest: string;
}

/** How a skill is updated. */
export interface UpdateOptions {
  /** Default: where the serving version came from. */
  readonly source?: string;
  /** Runs its tests first. Default true. */
  readonly test?: boolean;
  /** Takes a lower version too. Default false. */
  readonly downgrade?: boolean;
  /** Asked before anything is installed: the new version may want more. What it throws ends the update. */
  readonly confirm: (
    plan: UpdatePlan & { readonly before: PythonManifest; readonly after: PythonManifest },
  ) => void | Promise<void>;
  readonly actor?: Actor;
  readonly signal?: AbortSignal;
  /** Told what is begun. */
  readonly onStage?: (stage: string) => void;
}

/** What came of an update. Not updated: without tests it was up to date, else they failed. */
export interface Updated extends UpdatePlan {
  readonly updated: boolean;
  readonly tests: TestReport | null;
  readonly info: SkillInfo;
}

/** `workspace`: `<home>/<id>` and the registry; `dev`: the folder of the development space and its hub. */
export type SourceSpace = "workspace" | "dev";

/** A skill's source here and in the remote of its space. */
export interface RemoteSource {
  /** Without user and password. */
  readonly url: string;
  readonly branch: string;
  readonly commit: string;
  /** The folder here. */
  readonly folder: string;
  /** Whether the bytes here differ from those there; `absent` when there are none there. */
  readonly source: "same" | "changed" | "absent";
  /** Text files here. */
  readonly here: PackageFiles;
  /** Text files there. */
  readonly there: PackageFiles;
}

/** What a library tells its listeners. */
export type LibraryEvents = {
  /** Something that search documents or tool lists depend on was committed. */
  readonly changed: { readonly skill_id: string };
};

/** The settings of a home: defaults, narrowed by `config.toml`, narrowed by the host's options. */
export interface HomeSettings {
  readonly python_skills: {
    readonly enabled: boolean;
    readonly timeout: number;
    readonly handshake_timeout: number;
    readonly max_concurrent: number;
    readonly max_restarts: number;
    readonly restart_backoff: readonly number[];
    readonly health_check_interval: number;
    readonly idle_timeout: number;
    readonly spares: number;
    readonly max_message_bytes: number;
  };
  readonly security: {
    /** False runs everything without a sandbox. Only the host's code can say so. */
    readonly sandbox_enabled: boolean;
    /** What every skill has without asking for it. `./` is its package, `/tmp` its scratch folder. */
    readonly default_permissions: Permissions;
    /** The most that any skill may be granted. */
    readonly max_permissions: Permissions;
    /** The most that a generated skill may ask for. */
    readonly generated_permissions: Permissions;
    readonly resource_limits: ResourceLimits;
  };
  readonly resilience: {
    readonly retry_config: Required<NonNullable<ResilienceSpec["retry_config"]>>;
    readonly circuit_breaker: Required<NonNullable<ResilienceSpec["circuit_breaker"]>>;
    readonly health_check: Required<NonNullable<ResilienceSpec["health_check"]>>;
  };
  readonly performance: {
    readonly execution: {
      /** Whether calls run side by side at all. */
      readonly parallel_execution: boolean;
      /** Calls that run at the same time, of all skills. */
      readonly max_concurrent_skills: number;
      /** Calls that may wait for their turn. */
      readonly execution_queue_size: number;
    };
  };
  /** Where a team keeps its skills. */
  readonly registry: {
    /** What git can fetch; nothing is compared without it. */
    readonly remote?: string | undefined;
    readonly branch: string;
  };
  readonly spaces: {
    /** A folder in which skills are developed, and the hub that keeps their drafts. */
    readonly dev: {
      /** Holds `<id>/`; a relative path begins at the home. */
      readonly folder?: string | undefined;
      readonly remote?: string | undefined;
      readonly branch: string;
      /** Files with which the hub knows who asks. */
      readonly client_cert?: string | undefined;
      readonly client_key?: string | undefined;
    };
  };
  readonly generator: {
    readonly max_llm_turns: number;
    readonly max_test_rounds: number;
    readonly discovery_threshold: number;
    readonly reuse: "verified" | "threshold";
    /** Tokens of maker and verifier together. */
    readonly max_tokens: number;
    /** Time for making, without waiting for a person. */
    readonly max_seconds: number;
    /** `no_permissions`: what is new, asks for nothing and passed its tests is approved without a person. */
    readonly auto_approve: "never" | "no_permissions";
  };
}
