import { lstat, readdir, realpath } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { SkillError } from "../base/errors.ts";
import type { Json } from "../base/json.ts";
import { accept, MAX_MANIFEST_BYTES, parseManifest, readManifestData } from "./manifest.ts";
import { readPlainFile } from "./package-files.ts";
import { MAX_SCRIPT_BYTES, parseScriptMetadata, scriptText } from "./pep723.ts";
import { findScriptBlock, nearlyScriptBlocks } from "./script-block.ts";
import { lineOfKey } from "./toml-lines.ts";
import type { TomlData } from "./toml.ts";
import type { Finding, PythonManifest, ScriptMetadata, SkillPackage } from "./types.ts";

const MANIFEST = "manifest.toml";

/**
 * Loads a package as it says itself what it is: a folder with `manifest.toml` and entry file, or a script whose header
 * holds the manifest as `[tool.skillwright]` (a folder with one such script, or the script alone). Nothing is executed.
 *
 * @throws {SkillError} `invalid_manifest`, `invalid_script`, `invalid_package`, `not_found`
 */
export async function loadPackage(path: string): Promise<SkillPackage> {
  const full = resolve(path);
  const kind = await kindOf(full);
  if (kind === "file") return await loadScript(full, dirname(full), basename(full));
  if (kind === "absent") {
    throw new SkillError("not_found", `no package at ${full}`, {
      fix: "name a folder, a script, an archive, or git+<url>[@ref][#folder]",
    });
  }
  if (kind === "other") {
    throw new SkillError("invalid_package", `${full} is neither a folder nor a regular file`, {
      fix: `Name a folder with ${MANIFEST}, or a .py file`,
    });
  }
  const entries = await readdir(full);
  if (entries.includes(MANIFEST)) return await loadFolder(full);
  const script = await findScript(full, entries);
  if (script !== undefined) return await loadScript(full, full, script);
  throw new SkillError(
    "not_found",
    `no package at ${full}: it has neither ${MANIFEST} nor a script with [tool.skillwright]`,
    {
      fix: `Write ${MANIFEST} with id, name, version and description`,
    },
  );
}

/** What is known of an entry that is not Python: nothing of it is read. */
const PROGRAM: Entry = { source: "", script: { dependencies: [], tool: {} }, hints: [] };

interface Entry {
  readonly source: string;
  readonly script: ScriptMetadata;
  readonly hints: readonly Finding[];
}

async function loadFolder(dir: string): Promise<SkillPackage> {
  const { bytes } = await readPlainFile(
    join(dir, MANIFEST),
    MANIFEST,
    MAX_MANIFEST_BYTES,
    "invalid_manifest",
  );
  const { manifest, hints } = parseManifest(bytes, MANIFEST);
  const entry = manifest.command === undefined ? await readEntry(dir, manifest.entry_file) : PROGRAM;
  const unused: readonly Finding[] = entry.script.tool["skillwright"] === undefined ? [] : [{
    severity: "warning",
    rule: "script/unused-manifest",
    message: `[tool.skillwright] in the script's header is not read, because ${MANIFEST} is there`,
    fix: "Keep one of the two",
    file: manifest.entry_file,
  }];
  const loaded = {
    path: dir,
    dir,
    form: "manifest.toml",
    manifest,
    script: entry.script,
    source: entry.source,
  } as const;
  return { ...loaded, hints: [...hints, ...entry.hints, ...unused] };
}

async function loadScript(path: string, dir: string, file: string): Promise<SkillPackage> {
  const { source, script, hints } = await readEntry(dir, file);
  const read = headerManifest(script, source, file);
  if (read === undefined) {
    throw new SkillError("invalid_script", `${file} has no [tool.skillwright] in its header`, {
      fix: `Add the manifest's keys there, or put a ${MANIFEST} beside it`,
    });
  }
  return {
    path,
    dir,
    form: "pep723",
    manifest: read.manifest,
    script,
    source,
    hints: [...read.hints, ...hints],
  };
}

/** The manifest in a script's header: the keys of `manifest.toml` below `[tool.skillwright]`. */
function headerManifest(
  script: ScriptMetadata,
  source: string,
  file: string,
): { readonly manifest: PythonManifest; readonly hints: readonly Finding[] } | undefined {
  const table: Json | undefined = script.tool["skillwright"];
  if (table === undefined) return undefined;
  const data = table as TomlData;
  if (typeof table !== "object" || table === null || Array.isArray(table)) {
    throw new SkillError("invalid_script", `${file}: tool.skillwright must be a table`, {
      fix: "Write [tool.skillwright]",
    });
  }
  const other = data["command"] ?? data["entry_file"];
  if (other !== undefined && other !== file) {
    throw new SkillError(
      "invalid_manifest",
      `${file}: the manifest in it names something else to start: ${JSON.stringify(other)}`,
      {
        fix: "Leave it out: a script with its manifest in the header is its own entry file",
      },
    );
  }
  const block = findScriptBlock(source, file);
  const lineOf = (key: readonly (string | number)[]) => {
    const line = block === undefined ? undefined : lineOfKey(block.toml, ["tool", "skillwright", ...key]);
    return line === undefined || block === undefined ? undefined : block.line + line;
  };
  return accept(readManifestData({ data: { ...data, entry_file: file }, file, lineOf }));
}

async function readEntry(dir: string, entry: string): Promise<Entry> {
  const full = join(dir, entry);
  // a link among the folders on the way would lead out of the package without the file being one
  const inside = join(await realpath(dir), dirname(entry));
  const folder = await realpath(dirname(full)).catch(() => inside);
  if (folder !== inside) {
    throw new SkillError("invalid_script", `entry file ${entry} lies behind a link`, {
      fix: "Put the file itself there",
    });
  }
  const { bytes } = await readPlainFile(full, `entry file ${entry}`, MAX_SCRIPT_BYTES, "invalid_script");
  const source = scriptText(bytes, entry);
  return { source, script: parseScriptMetadata(source, entry), hints: nearlyScriptBlocks(source, entry) };
}

/** The script of a folder without manifest: `skill.py`, or the only other that has a manifest in its header. */
async function findScript(dir: string, entries: readonly string[]): Promise<string | undefined> {
  if (entries.includes("skill.py")) return "skill.py";
  const found: string[] = [];
  for (const name of entries.filter((entry) => entry.endsWith(".py")).sort().slice(0, 64)) {
    if ((await kindOf(join(dir, name))) !== "file") continue;
    const { script } = await readEntry(dir, name);
    if (script.tool["skillwright"] !== undefined) found.push(name);
  }
  if (found.length < 2) return found[0];
  throw new SkillError(
    "invalid_package",
    `${found.length} scripts have [tool.skillwright]: ${found.join(", ")}`,
    {
      fix: "Load one of them by its own path, or call the main one skill.py",
    },
  );
}

async function kindOf(path: string): Promise<"file" | "folder" | "absent" | "other"> {
  const stats = await lstat(path).catch(() => undefined);
  if (stats === undefined) return "absent";
  if (stats.isFile()) return "file";
  // the folder itself may be reached by a link: the caller named it
  const target = stats.isSymbolicLink() ? await realpath(path).catch(() => path) : path;
  const real = await lstat(target);
  return real.isDirectory() ? "folder" : "other";
}
