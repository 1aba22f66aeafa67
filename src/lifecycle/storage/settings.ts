import { readFile } from "node:fs/promises";
import { z } from "zod";
import { SkillError } from "../../base/errors.ts";
import { decodeUtf8 } from "../../base/json.ts";
import { nearest } from "../../base/nearest.ts";
import { lineOfKey } from "../../manifest/toml-lines.ts";
import { parseToml } from "../../manifest/toml.ts";
import type { Permissions, ResourceLimits } from "../../manifest/types.ts";
import type { HomeSettings } from "./home-settings.ts";

const seconds = z.number().positive().max(86_400);
const count = z.number().int().positive().max(10_000);
// oxlint-disable-next-line no-control-regex -- control characters are what is refused
const oneLine = z.string().regex(/^[^\0-\x1f]{1,4096}$/);
const paths = z.array(z.string().min(1).max(4096)).max(200);

const permissions = z.strictObject({
  network_access: z.union([z.boolean(), z.array(z.string().min(1).max(260)).max(200)]).default(false),
  file_read: paths.default([]),
  file_write: paths.default([]),
  process_spawn: z.boolean().default(false),
});

/** The one table of defaults. Times are seconds, sizes as their names say. */
const settingsSchema = z.strictObject({
  python_skills: z.strictObject({
    enabled: z.boolean().default(true),
    timeout: seconds.default(30),
    handshake_timeout: seconds.default(10),
    max_concurrent: count.default(5),
    max_restarts: z.number().int().min(0).max(100).default(5),
    restart_backoff: z.array(seconds).min(1).max(20).default([1, 2, 4, 60]),
    health_check_interval: seconds.default(60),
    idle_timeout: seconds.default(300),
    spares: z.number().int().min(0).max(16).default(1),
    max_message_bytes: z.number().int().min(1024).max(64 * 1024 * 1024).default(102_400),
  }).prefault({}),
  security: z.strictObject({
    max_permissions: permissions.prefault({
      network_access: true,
      file_read: [],
      file_write: [],
      process_spawn: true,
    }),
    generated_permissions: permissions.prefault({}),
    sandbox_enabled: z.boolean().default(true),
    default_permissions: permissions.prefault({ file_read: ["./", "/tmp"], file_write: ["/tmp"] }),
    resource_limits: z.strictObject({
      max_memory_mb: z.number().int().min(16).max(1_048_576).default(256),
      max_cpu_percent: z.number().min(1).max(100).default(80),
      max_execution_time: seconds.default(300),
      max_file_size_mb: z.number().min(0.01).max(1_048_576).default(10),
      max_disk_io_mb: z.number().min(1).max(1_048_576).default(1024),
    }).prefault({}),
  }).prefault({}),
  resilience: z.strictObject({
    retry_config: z.strictObject({
      max_attempts: z.number().int().min(1).max(10).default(3),
      backoff_strategy: z.enum(["exponential", "constant"]).default("exponential"),
      retry_on: z.array(z.enum(["timeout", "resource_limit", "network_error", "process_died"])).max(4)
        .default(["timeout", "resource_limit", "network_error"]),
    }).prefault({}),
    circuit_breaker: z.strictObject({
      failure_threshold: z.number().int().min(1).max(1000).default(5),
      recovery_timeout: seconds.default(60),
    }).prefault({}),
    health_check: z.strictObject({
      enabled: z.boolean().default(true),
      interval: seconds.default(30),
    }).prefault({}),
  }).prefault({}),
  performance: z.strictObject({
    execution: z.strictObject({
      parallel_execution: z.boolean().default(true),
      max_concurrent_skills: count.default(5),
      execution_queue_size: z.number().int().min(0).max(10_000).default(20),
    }).prefault({}),
  }).prefault({}),
  registry: z.strictObject({
    remote: oneLine.optional(),
    branch: oneLine.default("main"),
  }).prefault({}),
  spaces: z.strictObject({
    dev: z.strictObject({
      folder: oneLine.optional(),
      remote: oneLine.optional(),
      branch: oneLine.default("main"),
      client_cert: oneLine.optional(),
      client_key: oneLine.optional(),
    }).prefault({}),
  }).prefault({}),
  generator: z.strictObject({
    max_llm_turns: count.default(8),
    max_test_rounds: count.default(4),
    discovery_threshold: z.number().min(0).max(1).default(0.85),
    reuse: z.enum(["verified", "threshold"]).default("verified"),
    max_tokens: z.number().int().positive().default(400_000),
    max_seconds: seconds.default(1800),
    auto_approve: z.enum(["never", "no_permissions"]).default("never"),
  }).prefault({}),
});

/** A part of the settings: what `config.toml` or the host's code says. */
export type SettingsInput = {
  readonly [Section in keyof HomeSettings]?: Partial<HomeSettings[Section]>;
};

/** The settings of a home about which nothing is said. */
export const DEFAULT_SETTINGS: HomeSettings = settingsSchema.parse({});

/**
 * The settings of a home: defaults, overlaid by its `config.toml`, overlaid by what the host's code says. What the
 * host says of permissions and limits is a bound that the file cannot pass.
 *
 * @throws {SkillError} `home_unusable` naming line, key and value of what is wrong in the file; `invalid_input` for the host's
 */
export async function loadSettings(configFile: string, host: SettingsInput = {}): Promise<HomeSettings> {
  const file = await readConfig(configFile);
  const own = read(host, "the settings", "invalid_input");
  if (file === undefined) return own;
  const fromFile = read(file.data, configFile, "home_unusable", (path) => lineOfKey(file.text, path));
  const { security } = host;
  if (!fromFile.security.sandbox_enabled) throw notInFile(configFile, file.text);
  return {
    python_skills: { ...fromFile.python_skills, ...host.python_skills },
    security: {
      max_permissions: bounded(fromFile, own, "max_permissions", security?.max_permissions),
      sandbox_enabled: own.security.sandbox_enabled,
      default_permissions: bounded(fromFile, own, "default_permissions", security?.default_permissions),
      generated_permissions: bounded(fromFile, own, "generated_permissions", security?.generated_permissions),
      resource_limits: security?.resource_limits === undefined
        ? fromFile.security.resource_limits
        : narrowerLimits(fromFile.security.resource_limits, own.security.resource_limits),
    },
    resilience: { ...fromFile.resilience, ...host.resilience },
    performance: { ...fromFile.performance, ...host.performance },
    registry: { ...fromFile.registry, ...host.registry },
    spaces: { dev: { ...fromFile.spaces.dev, ...host.spaces?.dev } },
    generator: { ...fromFile.generator, ...host.generator },
  };
}

/** The smaller of two limits, each. */
export function narrowerLimits(a: ResourceLimits, b: Partial<ResourceLimits>): ResourceLimits {
  const least = (key: keyof ResourceLimits): number => Math.min(a[key], b[key] ?? Infinity);
  return {
    max_memory_mb: least("max_memory_mb"),
    max_cpu_percent: least("max_cpu_percent"),
    max_execution_time: least("max_execution_time"),
    max_file_size_mb: least("max_file_size_mb"),
    max_disk_io_mb: least("max_disk_io_mb"),
  };
}

/** What either of two sets of permissions allows: what a skill asks for, and what every skill has. */
export function joinedPermissions(a: Permissions, b: Permissions): Permissions {
  const joined = (one: readonly string[], other: readonly string[]) => [...new Set([...one, ...other])];
  const hosts = (one: Permissions["network_access"], other: Permissions["network_access"]) => {
    if (one === true || other === true) return true;
    if (one === false) return other;
    return other === false ? one : joined(one, other);
  };
  return {
    network_access: hosts(a.network_access, b.network_access),
    file_read: joined(a.file_read, b.file_read),
    file_write: joined(a.file_write, b.file_write),
    process_spawn: a.process_spawn || b.process_spawn,
  };
}

/** What both of two sets of permissions allow. Lists are compared entry by entry. */
export function commonPermissions(a: Permissions, b: Permissions): Permissions {
  return {
    network_access: commonHosts(a.network_access, b.network_access),
    file_read: a.file_read.filter((path) => b.file_read.includes(path)),
    file_write: a.file_write.filter((path) => b.file_write.includes(path)),
    process_spawn: a.process_spawn && b.process_spawn,
  };
}

function bounded(
  file: HomeSettings,
  host: HomeSettings,
  key: "max_permissions" | "generated_permissions" | "default_permissions",
  said: Permissions | undefined,
): Permissions {
  return said === undefined ? file.security[key] : commonPermissions(file.security[key], host.security[key]);
}

function notInFile(path: string, text: string): SkillError {
  const line = lineOfKey(text, ["security", "sandbox_enabled"]);
  return new SkillError(
    "home_unusable",
    `${path}${line === undefined ? "" : ` line ${line}`}: ` +
      '"security.sandbox_enabled" is false: no file can switch the sandbox off',
    {
      fix: "remove the key; the host's own code may say settings: { security: { sandbox_enabled: false } }",
      details: { key: "security.sandbox_enabled" },
    },
  );
}

function commonHosts(
  a: Permissions["network_access"],
  b: Permissions["network_access"],
): boolean | readonly string[] {
  if (a === false || b === false) return false;
  if (a === true) return b;
  if (b === true) return a;
  return a.filter((host) => b.includes(host));
}

async function readConfig(
  path: string,
): Promise<{ readonly text: string; readonly data: Readonly<Record<string, unknown>> } | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw SkillError.from(error, "home_unusable", `"${path}" cannot be read`);
  }
  if (bytes.byteLength > 256 * 1024) {
    throw new SkillError("home_unusable", `"${path}" is ${bytes.byteLength} bytes long, the limit is 262144`);
  }
  const text = decodeUtf8(bytes, `"${path}"`, "home_unusable");
  return { text, data: parseToml(text, { file: path, code: "home_unusable" }) };
}

/** The value that stands there, as text of at most 80 characters. */
function valueAt(data: unknown, path: readonly PropertyKey[]): string {
  const value = path.reduce<unknown>(
    (at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key],
    data,
  );
  return (JSON.stringify(value) ?? "nothing").slice(0, 80);
}

function read(
  data: unknown,
  what: string,
  code: "home_unusable" | "invalid_input",
  lineOf: (path: (string | number)[]) => number | undefined = () => undefined,
): HomeSettings {
  const result = settingsSchema.safeParse(data);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const unknown = issue?.code === "unrecognized_keys" ? issue.keys[0] : undefined;
  const path = [...(issue?.path ?? []), ...(unknown === undefined ? [] : [unknown])].map(String);
  const line = lineOf(path);
  const place = line === undefined ? what : `${what} line ${line}`;
  const found = unknown === undefined ? `, found ${valueAt(data, issue?.path ?? [])}` : "";
  const problem = unknown === undefined ? `${issue?.message ?? "not valid"}${found}` : "no such key";
  const near = unknown === undefined ? undefined : nearest(unknown, keysAt(path.slice(0, -1)));
  throw new SkillError(code, `${place}: "${path.join(".")}": ${problem}`, {
    fix: near === undefined
      ? "correct the value, or leave the key out for its default"
      : `did you mean "${near}"`,
    details: { key: path.join("."), ...(line === undefined ? {} : { line }) },
  });
}

/** Keys that the settings know at a path. */
function keysAt(path: readonly string[]): readonly string[] {
  let at: unknown = DEFAULT_SETTINGS;
  for (const key of path) at = (at as Record<string, unknown> | undefined)?.[key];
  return typeof at === "object" && at !== null ? Object.keys(at) : [];
}
