import { realpath } from "node:fs/promises";
import { dirname, isAbsolute, join, relative } from "node:path";
import { SkillError } from "../../base/errors.ts";
import { parseJson } from "../../base/json.ts";
import { parsePythonVersion, satisfiesClauses, type VersionClause } from "../../manifest/pep440.ts";
import { pythonClauses } from "../../manifest/python-version.ts";
import type { PythonInterpreter } from "../types.ts";
import { runTool } from "./run-tool.ts";
import {
  executable,
  homeFolder,
  pathFolders,
  pickVariables,
  type UserEnvironment,
} from "./user-environment.ts";

export interface FindPythonOptions {
  /** Absolute path from the user's settings; nothing else is tried then. */
  readonly setting?: string | undefined;
  readonly env: UserEnvironment;
  /** Version specifiers that it must fulfil besides the oldest version that is served. */
  readonly requires?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

const OLDEST = "3.9";
const NEWEST_MINOR = 15;
const PROBE_TIMEOUT_MS = 10_000;

// Shims pick an interpreter by themselves, and a virtual environment points elsewhere: only the interpreter knows
// where it really is. -I -S: neither user site, nor PYTHON* variables, nor .pth files act.
const PROBE = `
import json, os, sys
json.dump({
  "path": getattr(sys, "_base_executable", None) or sys.executable,
  "version": sys.version.split()[0],
  "prefixes": [sys.base_prefix, sys.base_exec_prefix],
  "stdlib": os.path.dirname(os.__file__),
}, sys.stdout)
`;

/**
 * Finds an interpreter: the setting, else the first of `python3`, then `python3.15` … `python3.9` on PATH and in the
 * usual folders, that answers and fulfils `requires`. Shims and virtual environments are resolved.
 *
 * @throws {SkillError} `python_unavailable`, listing what was tried
 */
export async function findPython(options: FindPythonOptions): Promise<PythonInterpreter> {
  const wanted = wantedVersions(options.requires);
  const tried = new Map<string, string>();
  for (const candidate of candidates(options)) {
    if (await executable(candidate) === undefined) continue;
    const python = await probe(candidate, options);
    if (python === undefined) {
      if (options.setting !== undefined) tried.set(candidate, "does not answer");
      continue;
    }
    const version = parsePythonVersion(python.version.replace(/[a-z+].*$/, ""));
    if (version !== undefined && satisfiesClauses(version, wanted)) return python;
    tried.set(python.path, python.version);
  }
  throw unavailable(options, tried);
}

function wantedVersions(requires: string | undefined): readonly VersionClause[] {
  return [...pythonClauses(`>=${OLDEST}`), ...pythonClauses(requires ?? "")];
}

function* candidates({ setting, env }: FindPythonOptions): Iterable<string> {
  if (setting !== undefined) {
    if (isAbsolute(setting)) yield setting;
    return;
  }
  const folders = [...new Set([...pathFolders(env), "/usr/local/bin", "/usr/bin"])];
  const oldest = Number(OLDEST.split(".")[1]);
  const minors = Array.from({ length: NEWEST_MINOR - oldest + 1 }, (_, index) => NEWEST_MINOR - index);
  for (const name of ["python3", ...minors.map((minor) => `python3.${minor}`)]) {
    for (const folder of folders) yield join(folder, name);
  }
}

/** Asks a candidate what it is; undefined when it does not answer. */
async function probe(candidate: string, options: FindPythonOptions): Promise<PythonInterpreter | undefined> {
  const home = homeFolder(options.env);
  const result = await runTool({
    command: candidate,
    args: ["-I", "-S", "-c", PROBE],
    env: {
      ...pickVariables(options.env, ["PATH", "PYENV_ROOT", "PYENV_VERSION"]),
      HOME: home,
      LANG: "C.UTF-8",
    },
    cwd: "/",
    timeout_ms: PROBE_TIMEOUT_MS,
    signal: options.signal,
  }).catch((error: unknown) => {
    if (SkillError.isInstance(error) && error.code === "timeout") return undefined;
    throw error;
  });
  if (result?.code !== 0) return undefined;
  try {
    return await readProbe(result.stdout, home);
  } catch {
    return undefined;
  }
}

async function readProbe(text: string, home: string): Promise<PythonInterpreter> {
  const { path, version, prefixes, stdlib } = parseJson(text, "the interpreter's answer") as {
    path: string;
    version: string;
    prefixes: string[];
    stdlib: string;
  };
  const real = await realpath(path);
  const roots: string[] = [];
  // A prefix that holds the user's home would open all of it; its parts are enough.
  const wide = prefixes.some((prefix) => isInside(home, prefix));
  const wanted = wide ? [stdlib, dirname(real)] : [...prefixes, stdlib, dirname(real)];
  for (const folder of wanted) {
    const resolved = await realpath(folder);
    if (!roots.some((root) => isInside(resolved, root))) roots.push(resolved);
  }
  return { path: real, version, roots };
}

function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way === "" || (!way.startsWith("..") && !isAbsolute(way));
}

function unavailable(options: FindPythonOptions, tried: ReadonlyMap<string, string>): SkillError {
  const wanted = options.requires === undefined ? `>=${OLDEST}` : options.requires;
  const found = [...tried].map(([path, version]) => `${version} (${path})`).join(", ");
  const where = options.setting === undefined ? "on PATH" : `at "${options.setting}"`;
  const what = `no Python ${wanted} was found ${where}`;
  return new SkillError("python_unavailable", found === "" ? what : `${what}, only ${found}`, {
    fix: options.requires === undefined
      ? `install Python ${OLDEST} or newer, or give the absolute path of an interpreter in the settings`
      : "install such a Python, or widen requires-python",
    details: { requires: wanted, tried: Object.fromEntries(tried) },
  });
}
