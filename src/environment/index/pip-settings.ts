import { join } from "node:path";
import { SkillError } from "../../base/errors.ts";
import { parseJson } from "../../base/json.ts";
import { runTool } from "../toolchain/run-tool.ts";
import { configFolder, homeFolder, type UserEnvironment } from "../toolchain/user-environment.ts";
import type { PythonInterpreter } from "../types.ts";

/** What the user told pip about where packages come from. */
export interface PipSettings {
  readonly indexUrl: string | undefined;
  readonly extraIndexUrls: readonly string[];
  readonly findLinks: readonly string[];
  readonly noIndex: boolean;
  readonly cert: string | undefined;
  readonly proxy: string | undefined;
}

// pip reads its files with configparser; so do we, without needing pip. [install] goes before [global].
const READ = `
import configparser, json, sys
merged = {}
for path in sys.argv[1:]:
    parser = configparser.RawConfigParser()
    parser.read(path, encoding="utf-8")
    for section in ("global", "install"):
        if parser.has_section(section):
            merged.setdefault(section, {}).update((k.replace("_", "-"), v) for k, v in parser.items(section))
json.dump({**merged.get("global", {}), **merged.get("install", {})}, sys.stdout)
`;

/**
 * Reads pip's variables and, where they are silent, its files.
 *
 * @throws {SkillError} `environment_failed` when a file cannot be read: going on would ask another index than the
 * one that the user chose
 */
export async function pipSettings(python: PythonInterpreter, env: UserEnvironment): Promise<PipSettings> {
  const files = await readFiles(python, configFiles(python, env), env);
  const get = (key: string): string | undefined => {
    const value = env[`PIP_${key.toUpperCase().replaceAll("-", "_")}`] || files[key];
    return value?.trim() || undefined;
  };
  const list = (key: string): readonly string[] => get(key)?.split(/\s+/) ?? [];
  return {
    indexUrl: get("index-url"),
    extraIndexUrls: list("extra-index-url"),
    findLinks: list("find-links"),
    noIndex: /^(1|y|yes|t|true|on)$/i.test(get("no-index") ?? ""),
    cert: get("cert"),
    proxy: get("proxy"),
  };
}

function configFiles(python: PythonInterpreter, env: UserEnvironment): readonly string[] {
  const own = env["PIP_CONFIG_FILE"];
  if (own === "/dev/null") return [];
  return [
    "/etc/xdg/pip/pip.conf",
    "/etc/pip.conf",
    join(homeFolder(env), ".pip", "pip.conf"),
    join(configFolder(env), "pip", "pip.conf"),
    join(python.roots[0] ?? "/usr", "pip.conf"),
    ...(own ? [own] : []),
  ];
}

async function readFiles(
  python: PythonInterpreter,
  files: readonly string[],
  env: UserEnvironment,
): Promise<Readonly<Record<string, string>>> {
  if (files.length === 0) return {};
  const result = await runTool({
    command: python.path,
    args: ["-I", "-S", "-c", READ, ...files],
    env: { PATH: "/usr/bin:/bin", HOME: homeFolder(env), LANG: "C.UTF-8" },
    cwd: "/",
    timeout_ms: 10_000,
  });
  if (result.code !== 0) {
    const last = result.stderr.trim().split("\n").at(-1) ?? "";
    throw new SkillError("environment_failed", `pip's settings cannot be read: ${last.slice(0, 500)}`, {
      fix: `correct the file ("python -m pip config debug" lists all of them)`,
    });
  }
  return parseJson(result.stdout, "pip's settings") as Record<string, string>;
}
