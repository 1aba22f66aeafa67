import { mkdir, open, writeFile } from "node:fs/promises";
import { basename, isAbsolute, join } from "node:path";
import { SkillError } from "../base/errors.ts";
import { HostFolder } from "../base/host-folder.ts";
import type { Json } from "../base/json.ts";
import { createEnvironments } from "../environment/create-environments.ts";
import type { EnvironmentRecord, Environments } from "../environment/types.ts";
import { MAX_SCRIPT_BYTES, parseScriptMetadata, scriptText } from "../manifest/pep723.ts";
import type { Permissions, ToolSpec } from "../manifest/types.ts";
import { createSandbox } from "../sandbox/create-sandbox.ts";
import { OPEN_HOST_POLICY, resolveGrants } from "../sandbox/policy/policy.ts";
import type { BackendName, SandboxBackend, SandboxLimits, SandboxPolicy } from "../sandbox/types.ts";
import { createRunner } from "./runner.ts";
import { readScriptTools } from "./script-tools.ts";
import type { CallRequest, CallResult, Runner, SkillProgram } from "./types.ts";

export type { CallRequest, CallResult, ProcessInfo, RunnerLimits, TestCase } from "./types.ts";

/** How a script is opened. What it may do comes from here alone, never from the script. */
export interface OpenScriptOptions {
  /** Default: nothing but its own file and a scratch folder. Paths are absolute. */
  readonly permissions?: Partial<Permissions>;
  readonly limits?: Partial<SandboxLimits>;
  /** Milliseconds of one call, at most. Default 30,000. */
  readonly timeout_ms?: number;
  /** `daemon` (the default) keeps the process and its globals between calls; `one_shot` takes a new one for each. */
  readonly mode?: "daemon" | "one_shot";
  readonly env?: Readonly<Record<string, string>>;
  /** Environment too, and redacted in all that comes back. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Default `auto`: bubblewrap, else Landlock, else refusal. */
  readonly sandbox?: "auto" | BackendName | SandboxBackend;
  /** What finds Python and uv. Default: those of this machine. */
  readonly environments?: Environments;
  readonly signal?: AbortSignal;
}

/** Options of one call. */
export type ScriptCallOptions = Partial<Omit<CallRequest, "input">>;

/** Options of `runScript`. */
export type RunScriptOptions = OpenScriptOptions & ScriptCallOptions;

/** A script with its environment, ready to be called. */
export interface Script extends AsyncDisposable {
  /** Its functions with the schemas of their type hints, the one that is called by default first. */
  readonly tools: readonly ToolSpec[];
  /** @throws {SkillError} */
  call(input: Json, options?: ScriptCallOptions): Promise<CallResult>;
  /** Ends its processes and removes its folders. */
  close(): Promise<void>;
}

const LIMITS: SandboxLimits = {
  memory_mb: 512,
  cpu_percent: 100,
  file_size_mb: 64,
  scratch_mb: 256,
  open_files: 256,
  processes: 64,
};
const TIMEOUT_MS = 30_000;

/**
 * Runs a function of a Python file in the sandbox and answers what it returned. No home is needed. Dependencies of its
 * PEP 723 header are locked, checked and installed first, and gone afterwards; `openScript` keeps them.
 *
 * @param input the function's arguments by name
 * @throws {SkillError} `invalid_script`, `sandbox_unavailable`, what installing says, what the script and its limits say
 */
export async function runScript(
  path: string,
  input: Json,
  options: RunScriptOptions = {},
): Promise<CallResult> {
  const { tool, files, onProgress, signal, timeout_ms } = options;
  const script = await openScript(path, options);
  try {
    return await script.call(input, {
      ...(tool === undefined ? {} : { tool }),
      ...(files === undefined ? {} : { files }),
      ...(onProgress === undefined ? {} : { onProgress }),
      ...(signal === undefined ? {} : { signal }),
      ...(timeout_ms === undefined ? {} : { timeout_ms }),
    });
  } finally {
    await script.close();
  }
}

/**
 * Reads a Python file as it is now and makes its environment. The script is not executed before the first call.
 *
 * @throws {SkillError} `invalid_script`, `sandbox_unavailable`, `permission_refused`, what installing says
 */
export async function openScript(path: string, options: OpenScriptOptions = {}): Promise<Script> {
  const text = await readScript(path);
  const metadata = parseScriptMetadata(text, path);
  const environments = options.environments ?? createEnvironments();
  const place = new HostFolder();
  const dir = await place.path();
  const runner = createRunner({
    sandbox: sandboxOf(options, environments),
    scratchRoot: join(dir, "scratch"),
  });
  try {
    const policy = await policyOf(options, dir);
    const record = await environments.build(
      await folder(dir, "environment"),
      {
        dependencies: metadata.dependencies,
        isolation: "venv",
        ...(metadata.requires_python === undefined ? {} : { requires_python: metadata.requires_python }),
      },
      options.signal === undefined ? {} : { signal: options.signal },
    );
    const entry = join(await folder(dir, "source"), basename(path));
    await writeFile(entry, text);
    const program = programOf(dir, entry, record, policy, options);
    const { serve, tools } = await readScriptTools(runner, program, scriptText(text, path), path);
    return new OpenedScript(
      place,
      runner,
      { ...program, serve, tools: tools.map(({ name }) => name) },
      tools,
    );
  } catch (error) {
    await runner.close();
    await place.close();
    throw error;
  }
}

class OpenedScript implements Script {
  readonly tools: readonly ToolSpec[];
  readonly #place: HostFolder;
  readonly #runner: Runner;
  readonly #program: SkillProgram;

  constructor(place: HostFolder, runner: Runner, program: SkillProgram, tools: readonly ToolSpec[]) {
    this.tools = tools;
    this.#place = place;
    this.#runner = runner;
    this.#program = program;
  }

  async call(input: Json, options: ScriptCallOptions = {}): Promise<CallResult> {
    const { tool = this.#program.tools[0] ?? "invoke", ...rest } = options;
    return await this.#runner.call(this.#program, { ...rest, tool, input });
  }

  async close(): Promise<void> {
    await this.#runner.close();
    await this.#place.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Reads no more than a script may be long, whatever the path leads to. */
async function readScript(path: string): Promise<Uint8Array> {
  try {
    await using file = await open(path);
    const { bytesRead, buffer } = await file.read(new Uint8Array(MAX_SCRIPT_BYTES + 1), 0);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    throw SkillError.from(error, "invalid_script", `"${path}" cannot be read`);
  }
}

async function folder(dir: string, name: string): Promise<string> {
  const path = join(dir, name);
  await mkdir(path);
  return path;
}

function sandboxOf({ sandbox = "auto" }: OpenScriptOptions, environments: Environments): SandboxBackend {
  if (typeof sandbox !== "string") return sandbox;
  return createSandbox({ backend: sandbox, python: () => environments.python() });
}

async function policyOf({ permissions, limits }: OpenScriptOptions, dir: string): Promise<SandboxPolicy> {
  const asked = {
    network_access: false,
    file_read: [],
    file_write: [],
    process_spawn: false,
    ...permissions,
  };
  const grants = await resolveGrants(asked, {
    packageDir: join(dir, "source"),
    host: OPEN_HOST_POLICY,
    forbidden: [],
    writableByOthers: [],
  });
  return { ...grants, limits: { ...LIMITS, ...limits } };
}

function programOf(
  dir: string,
  entry: string,
  { interpreter, site, roots }: EnvironmentRecord,
  policy: SandboxPolicy,
  options: OpenScriptOptions,
): SkillProgram {
  const base = join(dir, "environment");
  const own = isAbsolute(interpreter) ? [] : [join(base, "venv")];
  const timeout = options.timeout_ms ?? TIMEOUT_MS;
  return {
    key: entry,
    id: basename(entry),
    version: "0.0.0",
    interpreter: isAbsolute(interpreter) ? interpreter : join(base, interpreter),
    entry,
    source: join(dir, "source"),
    site: site.map((path) => join(base, path)),
    roots: [...roots, ...own],
    serve: "functions",
    tools: [],
    mode: options.mode ?? "daemon",
    concurrent: false,
    policy,
    env: options.env ?? {},
    secrets: options.secrets ?? {},
    start_timeout_ms: timeout,
    call_timeout_ms: timeout,
  };
}
