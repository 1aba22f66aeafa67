import { valid, validRange } from "semver";
import { z } from "zod";
import { SkillError } from "../base/errors.ts";
import { commandLineProblem, packageProgramProblem } from "./command-words.ts";
import { checkSchema } from "./json-schema-check.ts";
import { entryPathProblem, hostProblem, permissionPathProblem } from "./manifest-paths.ts";
import { parsePythonVersion } from "./pep440.ts";
import { SKILL_ID, skillIdProblem, suggestSkillId } from "./skill-id.ts";
import type { JsonSchema, PythonManifest } from "./types.ts";

/** What a tool may be called: what model providers accept. */
export const TOOL_NAME: RegExp = /^[a-zA-Z0-9_-]{1,64}$/;
const SEMVER =
  /^(?:0|[1-9]\d{0,8})\.(?:0|[1-9]\d{0,8})\.(?:0|[1-9]\d{0,8})(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;
/** A version with parts left out, read with zeros in their place. */
export const SHORT_VERSION: RegExp = /^(?:0|[1-9]\d{0,8})(?:\.(?:0|[1-9]\d{0,8}))?$/;
const VERSION = new RegExp(`${SEMVER.source}|${SHORT_VERSION.source}`);

const FIX = {
  id: 'Use an id like "roman_numerals"',
  version: 'Write it as text with three numbers, like "1.0.0"',
  toolName: "Use 1 to 64 characters A-Z, a-z, 0-9, _ and -",
} as const;

/** Text of 1 to `max` characters that shows something. */
function text(max: number): z.ZodString {
  return z.string().trim().min(1).max(max);
}

/** A check whose failure says what is wrong and what to do. */
function unless<Value>(
  problem: (value: Value) => string | undefined,
  fix: (value: Value) => string | undefined,
) {
  return (value: Value, context: z.RefinementCtx): void => {
    const found = problem(value);
    if (found !== undefined) {
      context.addIssue({ code: "custom", message: found, params: { fix: fix(value) } });
    }
  };
}

const toolName = z.string().regex(TOOL_NAME, { error: FIX.toolName });
const pythonVersion = z.string().max(40).superRefine(unless(
  (value) => (parsePythonVersion(value) === undefined ? "it is not a version" : undefined),
  () => 'Write a version like "3.11"',
));

function schemaOf(what: "input_schema" | "output_schema") {
  return z.record(z.string(), z.unknown()).transform((schema, context): JsonSchema => {
    try {
      const typed = what === "input_schema" && schema["type"] === undefined
        ? { type: "object", ...schema }
        : schema;
      const checked = checkSchema(typed, "the schema");
      if (what === "output_schema" || checked["type"] === "object") return checked;
      const found = JSON.stringify(checked["type"]);
      throw new SkillError("invalid_manifest", `the schema must have type "object", found ${found}`, {
        fix: 'Put the value below a key: { type = "object", properties = { value = { … } } }',
      });
    } catch (error) {
      const { message, fix } = SkillError.from(error, "invalid_manifest", "the schema");
      context.addIssue({ code: "custom", message, params: { fix } });
      return z.NEVER;
    }
  });
}

const tool = z.strictObject({
  name: toolName.describe("Name of the tool; of the function, where the skill serves functions"),
  description: z.string().trim().max(2000).default("").describe(
    "What it does, for the model that chooses it",
  ),
  timeout: z.number().positive().max(3600).exactOptional().describe("Seconds for one call"),
  input_schema: schemaOf("input_schema").default({ type: "object" }).describe(
    "JSON Schema of the input, an object",
  ),
  output_schema: schemaOf("output_schema").exactOptional().describe("JSON Schema of the answer"),
  idempotent: z.boolean().default(false).describe("May be called again after a failure"),
  pure: z.boolean().exactOptional().describe(
    "The same input always gives the same answer and nothing else happens; a generated skill is held to it",
  ),
});

const credential = z.strictObject({
  name: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, { error: "Use a name like WEATHER_API_KEY" }),
  description: z.string().trim().max(1000).default(""),
  required: z.boolean().default(true),
});

function paths() {
  const path = z.string().min(1).max(512).superRefine(unless(
    permissionPathProblem,
    () => 'Name a folder, like "./data" in the package, "/tmp/x" in the scratch folder, or "/srv/reports"',
  ));
  return z.array(path).max(64).default([]);
}

const host = z.string().min(1).max(260).superRefine(
  unless(hostProblem, () => 'Write a host like "api.example.org"'),
);

const permissions = z.strictObject({
  network_access: z.union([z.boolean(), z.array(host).max(64)]).default(false)
    .describe("false: none; true: everything; a list: these hosts (host or host:port)"),
  file_read: paths().describe("./x is below the package, /tmp the scratch folder"),
  file_write: paths(),
  process_spawn: z.boolean().default(false).describe("May start other programs"),
});

const resourceLimits = z.strictObject({
  max_memory_mb: z.number().int().min(16).max(1_048_576).exactOptional(),
  max_cpu_percent: z.number().positive().max(100_000).exactOptional().describe("Percent of one core"),
  max_execution_time: z.number().positive().max(86_400).exactOptional().describe("Seconds of one call"),
  max_file_size_mb: z.number().positive().max(1_048_576).exactOptional(),
  max_disk_io_mb: z.number().positive().max(1_048_576).exactOptional()
    .describe("Read from and written to disk during one call"),
});

const program = z.array(z.string().max(500)).min(1).max(64).superRefine(unless(
  packageProgramProblem,
  () => 'Write a file of the package and its arguments, like ["./serve.sh", "--quiet"]',
));

const commandLine = z.string().min(1).max(2000).superRefine(unless(
  commandLineProblem,
  () => 'Write a program and its arguments, like "./fallback.sh --short" or "python fallback.py"',
));

const resilience = z.strictObject({
  retry_config: z.strictObject({
    max_attempts: z.number().int().min(1).max(10).exactOptional().describe("Tries of one call, 3 by default"),
    backoff_strategy: z.enum(["exponential", "constant"]).exactOptional().describe("exponential by default"),
    retry_on: z.array(z.enum(["timeout", "resource_limit", "network_error", "process_died"])).max(4)
      .exactOptional().describe(
        "What makes an idempotent tool be tried again; all but process_died by default",
      ),
  }).exactOptional(),
  retry_attempts: z.number().int().min(0).max(9).exactOptional()
    .describe("Tries after the first one: short for retry_config.max_attempts"),
  circuit_breaker: z.strictObject({
    failure_threshold: z.number().int().min(1).max(1000).exactOptional()
      .describe("Failures in a row before the skill is left alone, 5 by default"),
    recovery_timeout: z.number().positive().max(86_400).exactOptional()
      .describe("Seconds until one call tries it again, 60 by default"),
  }).exactOptional(),
  health_check: z.strictObject({
    enabled: z.boolean().exactOptional().describe(
      "Whether it is asked how it is while it is idle; true by default",
    ),
    interval: z.number().positive().max(86_400).exactOptional().describe("Seconds between, 30 by default"),
  }).exactOptional(),
  timeout: z.number().positive().max(86_400).exactOptional()
    .describe("Seconds for all tries of one call together, with waits and fallback"),
  fallback_command: commandLine.exactOptional()
    .describe("Runs in the skill's sandbox when it fails: input as JSON on stdin, answer on stdout"),
}).superRefine(({ retry_config, retry_attempts }, context) => {
  if (retry_attempts === undefined || retry_config?.max_attempts === undefined) return;
  context.addIssue({
    code: "custom",
    path: ["retry_attempts"],
    message: "retry_config.max_attempts says the same",
    params: { fix: "Give one of the two" },
  });
});

const skillId = z.string().superRefine(unless(skillIdProblem, (value) => {
  const id = suggestSkillId(value);
  return id === undefined ? FIX.id : `Use "${id}"`;
})).meta({ pattern: SKILL_ID.source });

const range = z.string().max(200).superRefine(unless(
  (value) => (validRange(value) === null ? "it is not a range of versions" : undefined),
  () => 'Write a range like "^1.0.0"',
));

const providedVersion = z.string().max(200).superRefine(unless(
  (value) => (valid(value) === value ? undefined : "it is not a version"),
  () => FIX.version,
));

const model = z.strictObject({
  type: z.literal("python").default("python").describe("Kind of skill"),
  id: skillId.describe("What the skill is called by: a-z, 0-9, _ and -, starts with a letter"),
  name: text(120).describe("What people read"),
  version: z.string().regex(VERSION, { error: FIX.version }).describe(
    'Semantic version; "1.0" is read as 1.0.0',
  ),
  description: z.string().trim().max(2000).exactOptional().describe(
    "What the skill does; it is found by this",
  ),
  entry_file: z.string().max(200).superRefine(unless(entryPathProblem, () => 'Write a path like "skill.py"'))
    .default("skill.py").describe("The Python file that is started"),
  command: program.exactOptional().describe(
    "A program of the package that is started in place of a Python file, and speaks JSON-RPC on stdin and stdout",
  ),
  min_uv_version: pythonVersion.exactOptional().describe("Oldest uv that can install it"),
  min_python: pythonVersion.exactOptional().describe("Oldest Python that can run it"),
  triggers: z.array(text(500)).max(64).default([]).describe("Sentences that should find the skill"),
  serve: z.enum(["functions", "stdio", "fd"]).exactOptional()
    .describe(
      "functions: plain functions; stdio, fd: speaks JSON-RPC itself. Found by parsing when left out",
    ),
  mode: z.enum(["daemon", "one_shot"]).default("daemon").describe("Kept between calls, or a process a call"),
  isolation: z.enum(["venv", "shared"]).default("venv"),
  concurrent: z.boolean().default(false).describe("One process may serve several calls at a time"),
  default_tool: toolName.exactOptional().describe("What is called without a tool's name"),
  setup: toolName.exactOptional().describe("Tool that sets the skill up, after activation"),
  health: toolName.exactOptional().describe("Tool that tells readiness"),
  state: z.strictObject({
    schema_version: z.number().int().min(1).max(1_000_000).default(1).describe(
      "Version of what stands in its folder; a higher one is reached by migrate",
    ),
    migrate: toolName.exactOptional().describe(
      "Tool that brings a copy of older state up, given { from_version, to_version }",
    ),
  }).exactOptional().describe("It keeps state between runs, in the folder SKILLWRIGHT_STATE_DIR"),
  tools: z.array(tool).max(64).default([]).describe("Without it one tool, invoke, with free input"),
  credentials: z.array(credential).max(64).default([]).describe("Secrets that the skill needs"),
  security: z.strictObject({
    permissions: permissions.prefault({}),
    resource_limits: resourceLimits.prefault({}),
  }).prefault({}),
  resilience: resilience.exactOptional().describe("What happens when a call fails"),
  dependencies: z.record(skillId, range).default({}).describe("Other skills by id, with ranges of versions"),
  provides: z.record(skillId, providedVersion).exactOptional().describe(
    "Ids of skills that this one can stand for, with the version it counts as",
  ),
  metadata: z.strictObject({
    tags: z.array(text(60)).max(32).default([]),
    category: text(60).exactOptional(),
  }).prefault({}),
}).superRefine((manifest, context) => {
  const issue = (path: (string | number)[], message: string, fix: string): void => {
    context.addIssue({ code: "custom", path, message, params: { fix } });
  };
  const names = manifest.tools.map(({ name }) => name);
  names.forEach((name, index) => {
    if (names.indexOf(name) < index) {
      issue(["tools", index, "name"], `a second tool "${name}"`, "Rename one of them");
    }
  });
  const secrets = manifest.credentials.map(({ name }) => name);
  secrets.forEach((name, index) => {
    if (secrets.indexOf(name) < index) {
      issue(["credentials", index, "name"], `a second credential "${name}"`, "Remove one");
    }
  });
  const { default_tool: first, id, dependencies, provides = {}, command, serve } = manifest;
  if (command !== undefined && serve !== undefined && serve !== "stdio") {
    issue(["serve"], `a program of its own can't serve by ${serve}`, "Leave serve out");
  }
  if (first !== undefined && names.length > 0 && !names.includes(first)) {
    issue(["default_tool"], `no tool is called "${first}"`, `Use one of ${names.join(", ")}`);
  }
  if (Object.hasOwn(dependencies, id)) {
    issue(["dependencies", id], "a skill can't depend on itself", "Remove it");
  }
  if (Object.hasOwn(provides, id)) {
    issue(["provides", id], "a skill provides itself, in its own version", "Remove it");
  }
});

/** A manifest as it is written: defaults filled in, version and description as they stood. */
export type WrittenManifest = Omit<PythonManifest, "description"> & { readonly description?: string };

/** The keys of `manifest.toml`, as they are written. Unknown keys are errors. */
export const manifestModel: z.ZodType<WrittenManifest> = model;

/** Keys at a place of the model, to suggest one for a wrong key. */
export function keysAt(path: readonly PropertyKey[]): readonly string[] {
  let at: unknown = model;
  for (const key of path) {
    at = typeof key === "number"
      ? inner(at, z.ZodArray)?.element
      : inner(at, z.ZodObject)?.shape[key as string];
  }
  return Object.keys(inner(at, z.ZodObject)?.shape ?? {});
}

/** Takes defaults and options off a schema until it is of `kind`. */
function inner<Kind extends z.ZodType>(
  schema: unknown,
  kind: abstract new (...args: never[]) => Kind,
): Kind | undefined {
  let at = schema;
  while (
    at instanceof z.ZodDefault || at instanceof z.ZodPrefault || at instanceof z.ZodOptional ||
    at instanceof z.ZodExactOptional
  ) at = at.unwrap();
  return at instanceof kind ? at : undefined;
}
