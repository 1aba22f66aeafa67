import type { EnvironmentRecord } from "../environment/types.ts";
import type { Permissions, PythonManifest, ResourceLimits, Serve, ToolSpec } from "../manifest/types.ts";
import type { TestReport } from "./test-report.ts";

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
  /** Present while what serves does not do well, as far as this process called it. */
  readonly health?: SkillHealth;
}

/** What this process knows of a skill that failed. Other processes that use the home know nothing of it. */
export interface SkillHealth {
  /** `open`: it is left alone, calls end with `circuit_open`; `half_open`: the next call tries it. */
  readonly circuit: "closed" | "open" | "half_open";
  /** Calls that failed in a row. */
  readonly failures: number;
  /** Milliseconds until a call is let through again; 0 unless the circuit is open. */
  readonly retry_in_ms: number;
  /** Code of the last failure. */
  readonly last_error?: string;
  /** How often its process died and is started again, lately. */
  readonly restarts: number;
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

/** Who asks: goes into the audit. */
export interface Actor {
  /** `cli`, `host`, `agent`, `code`. */
  readonly via: string;
  readonly name?: string;
}
