import { createHmac, randomBytes } from "node:crypto";
import { isAbsolute, join } from "node:path";
import { SkillError } from "../../base/errors.ts";
import { canonicalJson } from "../../base/json.ts";
import type { CredentialSpec, Permissions, PythonManifest, ResourceLimits } from "../../manifest/types.ts";
import type { RunnerLimits, SkillProgram } from "../../runner/types.ts";
import { type HostPolicy, needsGrant, resolveGrants } from "../../sandbox/policy/policy.ts";
import type { SandboxLimits } from "../../sandbox/types.ts";
import type { SkillEnv } from "../records/skill-env.ts";
import type { HomeSettings } from "../storage/home-settings.ts";
import { joinedPermissions, narrowerLimits } from "../storage/settings.ts";
import type { ResolvedManifest } from "../types.ts";
import { servedNames } from "../validation/tool-table.ts";

/** Gives the value of a secret, or undefined when there is none. */
export type SecretSource = (skillId: string, name: string) => string | undefined;

/** What programs are made with. */
export interface ProgramContext {
  /** The home's real path: no skill may reach into it by a grant. */
  readonly home: string;
  readonly settings: HomeSettings;
  readonly secrets: SecretSource;
  /** Folders that skills of the home other than this one may write. */
  readonly writtenByOthers: (skillId: string) => readonly string[];
  /** What a skill's setup left for its runs. */
  readonly env: (skillId: string) => SkillEnv;
  /** The folder in which a skill keeps its state in a schema; undefined before it served. */
  readonly state: (skillId: string, schemaVersion: number) => string | undefined;
}

/** What is to be run. */
export interface ProgramRequest {
  /** Begins the key: skill and generation, or a staged build. */
  readonly name: string;
  /** The build's folder. */
  readonly dir: string;
  readonly resolved: ResolvedManifest;
  /** Whether missing required secrets are an error. Tests run without: setup comes after activation. */
  readonly needSecrets: boolean;
  /** The folder for its state in place of its own: tests and migrations get another. */
  readonly state?: string;
}

/** The variable that names the folder in which a skill keeps its state. */
const STATE_VARIABLE = "SKILLWRIGHT_STATE_DIR";

/** Turns builds into programs that the runner can start. */
export class ProgramMaker {
  readonly #context: ProgramContext;
  /** Keys tell sets of secrets apart without telling anything of them. */
  readonly #salt = randomBytes(32);

  constructor(context: ProgramContext) {
    this.#context = context;
  }

  /** @throws {SkillError} `permission_refused`; `secrets_missing` naming the secrets that are missing */
  async make({ name, dir, resolved, needSecrets, state: given }: ProgramRequest): Promise<SkillProgram> {
    const { settings, home } = this.#context;
    const { manifest, environment, tools } = resolved;
    const source = join(dir, "src");
    const limits = narrowerLimits(settings.security.resource_limits, resolved.limits);
    const permissions = joinedPermissions(
      manifest.security.permissions,
      settings.security.default_permissions,
    );
    const grants = await resolveGrants(permissions, {
      packageDir: source,
      host: hostPolicy(settings.security.max_permissions),
      forbidden: [home],
      writableByOthers: [...permissions.file_read, ...permissions.file_write].some(needsGrant)
        ? this.#context.writtenByOthers(manifest.id)
        : [],
    });
    const state = manifest.state === undefined
      ? undefined
      : given ?? this.#context.state(manifest.id, manifest.state.schema_version);
    const policy = {
      ...grants,
      ...(state === undefined ? {} : { write: [...grants.write, state], kept: [state] }),
      limits: sandboxLimits(limits, manifest.mode),
    };
    const secrets = this.#secrets(manifest.id, manifest.credentials, needSecrets);
    const env = {
      ...plainEnv(resolved),
      ...this.#context.env(manifest.id),
      ...(state === undefined ? {} : { [STATE_VARIABLE]: state }),
    };
    const own = isAbsolute(environment.interpreter) ? [] : [join(dir, "venv")];
    return {
      key: `${name}:${this.#fingerprint({ policy, secrets, env })}`,
      id: manifest.id,
      name: manifest.name,
      version: manifest.version,
      interpreter: isAbsolute(environment.interpreter)
        ? environment.interpreter
        : join(dir, environment.interpreter),
      entry: join(source, manifest.entry_file),
      source,
      site: environment.site.map((path) => join(dir, path)),
      roots: [...environment.roots, ...own],
      serve: resolved.serve,
      ...(manifest.command === undefined
        ? {}
        : { command: { path: join(source, manifest.entry_file), args: manifest.command } }),
      tools: servedNames(manifest, tools),
      mode: manifest.mode,
      concurrent: manifest.concurrent,
      ...(manifest.health === undefined ? {} : { health: manifest.health }),
      ...healthCheckOf(manifest, settings),
      policy,
      env,
      secrets,
      start_timeout_ms: Math.min(settings.python_skills.handshake_timeout, resolved.timeouts.start) * 1000,
      call_timeout_ms: limits.max_execution_time * 1000,
    };
  }

  #secrets(
    id: string,
    credentials: readonly CredentialSpec[],
    need: boolean,
  ): Readonly<Record<string, string>> {
    const found: Record<string, string> = {};
    const missing: string[] = [];
    for (const { name, required } of credentials) {
      const value = this.#context.secrets(id, name);
      if (value !== undefined) found[name] = value;
      else if (required) missing.push(name);
    }
    if (!need || missing.length === 0) return found;
    throw new SkillError(
      "secrets_missing",
      `"${id}" needs secrets that nobody has set: ${missing.join(", ")}`,
      {
        fix: missing.map((name) => `skillwright secrets set ${name} --skill ${id}`).join("; "),
        details: { id, missing_secrets: missing },
      },
    );
  }

  #fingerprint(value: unknown): string {
    return createHmac("sha256", this.#salt).update(canonicalJson(value)).digest("hex").slice(0, 16);
  }
}

function plainEnv({ env }: ResolvedManifest): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => !value.startsWith("${secret:")));
}

/** Permissions of the settings as the sandbox measures manifests against them. */
export function hostPolicy(most: Permissions): HostPolicy {
  const { file_read, file_write, network_access, process_spawn } = most;
  return { file_read, file_write, network_access, process_spawn };
}

/** A skill that says nothing of health checks is asked as often as any Python skill of the home. */
export function healthCheckOf(
  { resilience }: PythonManifest,
  { resilience: { health_check: home } }: HomeSettings,
): Pick<SkillProgram, "health_check_ms"> {
  const own = resilience?.health_check;
  if (!home.enabled || own?.enabled === false) return { health_check_ms: false };
  return own === undefined ? {} : { health_check_ms: (own.interval ?? home.interval) * 1000 };
}

/** What the settings of a home say to a runner. */
export function runnerLimits(
  { python_skills, performance: { execution } }: HomeSettings,
): Partial<RunnerLimits> {
  const {
    max_concurrent,
    max_message_bytes,
    max_restarts,
    restart_backoff,
    health_check_interval,
    idle_timeout,
    spares,
  } = python_skills;
  return {
    spares,
    idleMs: idle_timeout * 1000,
    maxConcurrent: execution.parallel_execution ? execution.max_concurrent_skills : 1,
    maxConcurrentPerSkill: max_concurrent,
    maxQueue: execution.execution_queue_size,
    maxMessageBytes: max_message_bytes,
    maxRestarts: max_restarts,
    backoffMs: restart_backoff.map((seconds) => seconds * 1000),
    healthyMs: health_check_interval * 1000,
    healthCheckMs: health_check_interval * 1000,
  };
}

/** Seconds of wall time for one call of a tool: its own, else the home's, never more than the limits. */
export function toolTimeout(resolved: ResolvedManifest, tool: string, settings: HomeSettings): number {
  const own = resolved.tools.find(({ name }) => name === tool)?.timeout ?? settings.python_skills.timeout;
  return Math.min(
    own,
    resolved.limits.max_execution_time,
    settings.security.resource_limits.max_execution_time,
  );
}

function sandboxLimits(limits: ResourceLimits, mode: "daemon" | "one_shot"): SandboxLimits {
  return {
    memory_mb: limits.max_memory_mb,
    cpu_percent: limits.max_cpu_percent,
    // A daemon lives on: its processor time is bounded by its share and by the deadline of each call.
    ...(mode === "one_shot" ? { cpu_seconds: Math.ceil(limits.max_execution_time) } : {}),
    file_size_mb: limits.max_file_size_mb,
    scratch_mb: Math.ceil(limits.max_file_size_mb * 4),
    disk_io_mb: limits.max_disk_io_mb,
    open_files: 256,
    processes: 64,
  };
}
