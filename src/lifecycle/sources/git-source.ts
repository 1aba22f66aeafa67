import { rm } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { SkillError } from "../../base/errors.ts";
import { runTool, type ToolResult } from "../../environment/run-tool.ts";
import {
  executable,
  homeFolder,
  NETWORK_VARIABLES,
  pathFolders,
  pickVariables,
} from "../../environment/user-environment.ts";
import { readTar } from "../../manifest/archive/read-tar.ts";
import { type PackageFile, readPlainFile } from "../../manifest/package-files.ts";

/** A package in a git repository. */
export interface GitSource {
  readonly url: string;
  /** Branch, tag or commit; the remote's own choice when left out. */
  readonly ref?: string;
  /** Folder of the package in the repository. */
  readonly path?: string;
}

/** Files of a package at a commit. */
export interface GitPackage {
  readonly files: readonly PackageFile[];
  /** The commit's full name. */
  readonly commit: string;
}

const TIMEOUT_MS = 120_000;
const MAX_TAR_BYTES = 64 * 1024 * 1024;
/** A ref begins at the first @ of the URL's path: what stands before its host is a user. */
const FORM = /^git\+(?<url>\w+:\/\/[^/#]*\/[^@#]*|[^@#]+)(?:@(?<ref>[^#]+))?(?:#(?<path>.+))?$/;
/** What git takes for more than a name. */
const NO_REF = /^[-+]|[:^~?*[\\]|\.\./;
/** What git may speak. Not `ext`, which runs programs, nor what sends everything in the clear. */
const PROTOCOLS = "https:ssh:file";

/** Reads `git+<url>[@ref][#folder]`; undefined for any other text. @throws {SkillError} `invalid_input` */
export function parseGitSource(text: string): GitSource | undefined {
  if (!text.startsWith("git+")) return undefined;
  const { url = "", ref, path } = FORM.exec(text)?.groups ?? {};
  const parts = path?.replace(/\/$/, "").split("/");
  const wrongPath = parts?.some((part) => ["", ".", ".."].includes(part)) === true;
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  const odd = /[\0-\x20]/.test(text) || [url, path].some((part) => part?.startsWith("-"));
  const wrong = url === "" || odd || (ref !== undefined && NO_REF.test(ref));
  if (wrong || wrongPath) {
    throw new SkillError("invalid_input", `"${text.slice(0, 200)}" is no git source`, {
      fix: "write git+https://host/repository.git@ref#folder; ref and folder may be left out",
    });
  }
  return {
    url,
    ...(ref === undefined ? {} : { ref }),
    ...(parts === undefined ? {} : { path: parts.join("/") }),
  };
}

/**
 * Fetches a package at a ref. Nothing is checked out: hooks, filters, links and submodules have no part in it.
 *
 * @param room an empty folder, which is removed
 * @throws {SkillError} `source_unreachable`, `not_found` for ref or folder, `invalid_package`, `cancelled`
 */
export async function readGitSource(
  source: GitSource,
  room: string,
  signal: AbortSignal | undefined,
): Promise<GitPackage> {
  const git = await findGit();
  const run = (...args: readonly string[]): Promise<ToolResult> =>
    runTool({
      command: git,
      args: ["-c", "core.hooksPath=/dev/null", "-C", room, ...args],
      env: gitEnvironment(),
      cwd: "/",
      timeout_ms: TIMEOUT_MS,
      signal,
    });
  try {
    await succeed(run("init", "--quiet", "--bare"), source);
    const wanted = source.ref ?? "HEAD";
    const flags = ["--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules"];
    await succeed(run("fetch", ...flags, "--", source.url, wanted), source);
    const commit = (await succeed(run("rev-parse", "FETCH_HEAD^{commit}"), source)).stdout.trim();
    const tree = source.path === undefined ? commit : `${commit}:${source.path}`;
    const tar = join(room, "package.tar");
    await succeed(run("archive", "--format=tar", `--output=${tar}`, tree), source);
    const { bytes } = await readPlainFile(tar, "the packed repository", MAX_TAR_BYTES);
    return { files: await readTar(bytes), commit };
  } finally {
    await rm(room, { recursive: true, force: true });
  }
}

async function succeed(running: Promise<ToolResult>, source: GitSource): Promise<ToolResult> {
  const result = await running;
  if (result.code === 0) return result;
  const said = result.stderr.trim().split("\n").at(-1) ?? "";
  const place = `"${withoutUser(source.url)}"`;
  if (/couldn't find remote ref|not our ref|unadvertised object/.test(result.stderr)) {
    throw new SkillError("not_found", `${place} has no ref "${source.ref ?? "HEAD"}"`, {
      fix: "name a branch, a tag or a full commit after @",
    });
  }
  if (/not a valid object name|pathspec|not a tree|does not exist in/i.test(result.stderr)) {
    throw new SkillError("not_found", `${place} has no folder "${source.path ?? ""}" at that ref`, {
      fix: "name the package's folder after #",
    });
  }
  throw new SkillError(
    "source_unreachable",
    `${place} cannot be fetched: ${withoutUser(said).slice(0, 500)}`,
    {
      fix: "see that git can reach it without asking for a password",
    },
  );
}

/** What the user's git needs to get out, and nothing that changes what it does here. */
function gitEnvironment(): Readonly<Record<string, string>> {
  const own = ["HOME", "PATH", "XDG_CONFIG_HOME", "SSH_AUTH_SOCK", "USER", "LOGNAME", ...NETWORK_VARIABLES];
  return {
    HOME: homeFolder(process.env),
    ...pickVariables(process.env, own),
    LC_ALL: "C",
    GIT_TERMINAL_PROMPT: "0",
    GIT_SSH_COMMAND: "ssh -oBatchMode=yes",
    GIT_ALLOW_PROTOCOL: PROTOCOLS,
  };
}

async function findGit(): Promise<string> {
  for (const folder of pathFolders(process.env)) {
    const found = await executable(join(folder, "git"));
    if (found !== undefined) return found;
  }
  throw new SkillError("source_unreachable", "git was not found", { fix: "install git, or name a folder" });
}

/** A URL may hold a password. */
function withoutUser(text: string): string {
  return text.replace(/(\w+:\/\/)[^/@\s]+@/g, "$1");
}
