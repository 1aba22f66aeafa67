import { open, readdir } from "node:fs/promises";
import { basename, isAbsolute, join } from "node:path";
import { SkillError } from "../../base/errors.ts";
import { comparePythonVersions, parsePythonVersion } from "../../manifest/pep440.ts";
import type { UvTool } from "../types.ts";
import { runTool } from "./run-tool.ts";
import { executable, homeFolder, pathFolders, type UserEnvironment } from "./user-environment.ts";

export interface FindUvOptions {
  /** Absolute path from the user's settings; nothing else is tried then. */
  readonly setting?: string | undefined;
  readonly env: UserEnvironment;
  /** Folder of the copies that `fetchUv` installed, one a version. */
  readonly tools: string;
  /** A skill's own minimum; it counts when it is above `OLDEST_UV`. */
  readonly atLeast?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Older ones read some wheels differently from other tools (CVE-2025-54368, GHSA-pqhf-p39g-3x64). */
export const OLDEST_UV = "0.9.6";
const PROBE_TIMEOUT_MS = 5000;

/**
 * Finds a uv that answers and is new enough: the setting, else PATH, `~/.local/bin`, `~/.cargo/bin`, the newest of
 * our own. Scripts that stand for uv (shims) are passed over: they would choose by themselves later on.
 *
 * @throws {SkillError} `uv_unavailable` when the one that was set cannot be used
 */
export async function findUv(options: FindUvOptions): Promise<UvTool | undefined> {
  const tooOld: string[] = [];
  for await (const { path, source } of candidates(options)) {
    const version = await uvVersion(path, options.signal);
    if (version === undefined) continue;
    if (isNewEnough(version, options.atLeast)) return { path: await realUv(path) ?? path, version, source };
    tooOld.push(`${version} (${path})`);
  }
  if (options.setting !== undefined) throw settingUnusable(options, tooOld);
  return undefined;
}

/** The version that a uv program states, or undefined when it is none or does not answer. */
export async function uvVersion(path: string, signal?: AbortSignal): Promise<string | undefined> {
  const real = await realUv(path);
  if (real === undefined) return undefined;
  const run = { command: real, args: ["--version"], env: { PATH: "/usr/bin:/bin" }, cwd: "/", signal };
  const result = await runTool({ ...run, timeout_ms: PROBE_TIMEOUT_MS }).catch((error: unknown) => {
    if (SkillError.isInstance(error) && error.code === "timeout") return undefined;
    throw error;
  });
  return result?.code === 0 ? /^uv (\d+\.\d+\.\d+)/.exec(result.stdout)?.[1] : undefined;
}

/** The newest of the versions that every uv here must have: ours and the skill's. */
export function neededUv(atLeast: string | undefined): string {
  return atLeast !== undefined && isNewEnough(atLeast, undefined) ? atLeast : OLDEST_UV;
}

function isNewEnough(version: string, atLeast: string | undefined): boolean {
  const own = parsePythonVersion(version);
  return own !== undefined && [OLDEST_UV, atLeast ?? OLDEST_UV].every((minimum) => {
    const wanted = parsePythonVersion(minimum);
    return wanted !== undefined && comparePythonVersions(own, wanted) >= 0;
  });
}

async function* candidates(options: FindUvOptions): AsyncIterable<Pick<UvTool, "path" | "source">> {
  const { setting, env, tools } = options;
  if (setting !== undefined) {
    if (isAbsolute(setting)) yield { path: setting, source: "setting" };
    return;
  }
  for (const folder of pathFolders(env)) yield { path: join(folder, "uv"), source: "path" };
  for (const folder of [".local/bin", ".cargo/bin"]) {
    yield { path: join(homeFolder(env), folder, "uv"), source: "home" };
  }
  for (const version of await ownVersions(tools)) {
    yield { path: join(tools, version, "bin", "uv"), source: "cache" };
  }
}

async function ownVersions(tools: string): Promise<readonly string[]> {
  const names = await readdir(tools).catch(() => []);
  const parsed = names.flatMap((name) => {
    const version = name.startsWith(".") ? undefined : parsePythonVersion(name);
    return version === undefined ? [] : [{ name, version }];
  });
  return parsed.sort((a, b) => comparePythonVersions(b.version, a.version)).map(({ name }) => name);
}

async function realUv(path: string): Promise<string | undefined> {
  const real = await executable(path);
  if (real === undefined || !/^uv(\.exe)?$/.test(basename(real))) return undefined;
  try {
    const file = await open(real, "r");
    try {
      const start = new Uint8Array(2);
      await file.read(start, 0, 2, 0);
      return new TextDecoder().decode(start) === "#!" ? undefined : real;
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}

function settingUnusable({ setting, atLeast }: FindUvOptions, tooOld: readonly string[]): SkillError {
  const needed = neededUv(atLeast);
  const found = tooOld.length === 0 ? "it is not there or does not answer" : `it is ${tooOld[0]}`;
  return new SkillError("uv_unavailable", `the uv that was set, "${setting}", cannot be used: ${found}`, {
    fix: `give the absolute path of uv ${needed} or newer, or take the setting away`,
    details: { setting, needed },
  });
}
