import { randomUUID } from "node:crypto";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { SkillError } from "../../base/errors.ts";
import type { PythonInterpreter, UvTool } from "../types.ts";
import { neededUv, uvVersion } from "./find-uv.ts";
import { redactUrls } from "./redact-urls.ts";
import { runTool, type ToolResult } from "./run-tool.ts";
import {
  configFolder,
  homeFolder,
  NETWORK_VARIABLES,
  pickVariables,
  type UserEnvironment,
} from "./user-environment.ts";

export interface FetchUvOptions {
  readonly python: PythonInterpreter;
  /** Gets `<version>/bin/uv`. */
  readonly tools: string;
  readonly env: UserEnvironment;
  readonly atLeast?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Not tried yet: its texts and flags may differ. */
const NEXT_UNTESTED_UV = "0.14";
const INSTALL_TIMEOUT_MS = 300_000;

/** What pip may know of the user; the rest could send the files elsewhere. */
const PASSED = [
  ...NETWORK_VARIABLES,
  "REQUESTS_CA_BUNDLE",
  "CURL_CA_BUNDLE",
  "PIP_CONFIG_FILE",
  "PIP_INDEX_URL",
  "PIP_EXTRA_INDEX_URL",
  "PIP_FIND_LINKS",
  "PIP_NO_INDEX",
  "PIP_CERT",
  "PIP_CLIENT_CERT",
  "PIP_PROXY",
  "PIP_TRUSTED_HOST",
  "PIP_DEFAULT_TIMEOUT",
  "PIP_RETRIES",
];

/**
 * Installs uv's wheel from the user's package index into `tools`, with pip and without running any code of the
 * wheel. Several processes may do this at once: each works in a folder of its own, and one rename wins.
 *
 * @throws {SkillError} `uv_unavailable` with what would help, `index_unreachable`, `cancelled`, `timeout`
 */
export async function fetchUv(options: FetchUvOptions): Promise<UvTool> {
  await mkdir(options.tools, { recursive: true, mode: 0o700 });
  const stage = join(options.tools, `.stage-${randomUUID()}`);
  await mkdir(stage, { mode: 0o700 });
  try {
    const pip = await findPip(stage, options);
    const target = join(stage, "target");
    await installWheel(pip, target, stage, options);
    const version = await uvVersion(join(target, "bin", "uv"), options.signal);
    if (version === undefined) throw failed("the uv that pip installed does not answer", "");
    const path = await publish(target, join(options.tools, version), options.signal);
    return { path, version, source: "cache" };
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

/** An interpreter that has pip: the given one, else that of a throw-away virtual environment. */
async function findPip(stage: string, options: FetchUvOptions): Promise<string> {
  const { path } = options.python;
  const own = await runPython(path, ["-m", "pip", "--version"], stage, options);
  if (own.code === 0) return path;
  const venv = join(stage, "venv");
  const made = await runPython(path, ["-m", "venv", venv], stage, options);
  if (made.code === 0) return join(venv, "bin", "python");
  throw failed(`"${path}" has neither pip nor venv`, `${own.stderr}\n${made.stdout}${made.stderr}`);
}

async function installWheel(
  pip: string,
  target: string,
  stage: string,
  options: FetchUvOptions,
): Promise<void> {
  const wanted = `uv>=${neededUv(options.atLeast)},<${NEXT_UNTESTED_UV}`;
  const flags = [
    "--quiet",
    "--no-deps",
    "--only-binary",
    ":all:",
    "--disable-pip-version-check",
    "--no-input",
  ];
  const result = await runPython(
    pip,
    ["-m", "pip", "install", ...flags, "--target", target, wanted],
    stage,
    options,
  );
  if (result.code === 0) return;
  if (
    /ConnectionError|Connection refused|Max retries|NewConnectionError|SSLError|ConnectTimeout/.test(
      result.stderr,
    )
  ) {
    throw new SkillError("index_unreachable", `pip cannot reach the package index to install "${wanted}"`, {
      fix: "check the network, pip's index-url and proxy, or install uv yourself",
      details: { output: redactUrls(result.stderr).slice(-2000) },
    });
  }
  throw failed(`pip could not install "${wanted}"`, result.stderr);
}

function runPython(
  python: string,
  args: readonly string[],
  stage: string,
  { env, signal }: FetchUvOptions,
): Promise<ToolResult> {
  return runTool({
    command: python,
    args,
    env: {
      ...pickVariables(env, PASSED),
      PATH: "/usr/bin:/bin",
      HOME: homeFolder(env),
      XDG_CONFIG_HOME: configFolder(env),
      LANG: "C.UTF-8",
      // a user's own pip.conf may ask for these, and neither goes together with --target
      PIP_USER: "0",
      PIP_REQUIRE_VIRTUALENV: "0",
    },
    // `-m` looks for modules in the working directory first
    cwd: stage,
    timeout_ms: INSTALL_TIMEOUT_MS,
    signal,
  });
}

/** Moves the new copy to its place; when another process was first, that one's copy is taken. */
async function publish(target: string, place: string, signal: AbortSignal | undefined): Promise<string> {
  const uv = join(place, "bin", "uv");
  try {
    await rename(target, place);
  } catch (error) {
    if (await uvVersion(uv, signal) === undefined) {
      throw SkillError.from(error, "uv_unavailable", `cannot make "${place}"`);
    }
  }
  return uv;
}

function failed(message: string, output: string): SkillError {
  return new SkillError("uv_unavailable", message, {
    fix:
      'install uv (https://docs.astral.sh/uv), or pip for this Python (on Debian "apt install python3-venv")',
    details: { output: redactUrls(output).slice(-2000) },
  });
}
