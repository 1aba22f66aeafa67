import { rm } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { SkillError } from "../../base/errors.ts";
import { runTool, type ToolResult } from "../../environment/toolchain/run-tool.ts";
import {
  executable,
  homeFolder,
  NETWORK_VARIABLES,
  pathFolders,
  pickVariables,
} from "../../environment/toolchain/user-environment.ts";
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

/** Files with which a client shows who it is. */
export interface ClientKeys {
  readonly cert: string;
  readonly key: string;
}

/** Where to look in a repository. */
export interface GitFolder {
  readonly url: string;
  readonly ref?: string | undefined;
  /** The first that is there is read; undefined stands for the whole repository. */
  readonly folders: readonly (string | undefined)[];
  /** For a remote over https that asks for them. */
  readonly client?: ClientKeys | undefined;
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
  const folder = path?.replace(/\/$/, "");
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (url === "" || /[\0-\x20]/.test(text) || !isFetchable({ url, ref, folders: [folder] })) {
    throw new SkillError("invalid_input", `"${text.slice(0, 200)}" is no git source`, {
      fix: "write git+https://host/repository.git@ref#folder; ref and folder may be left out",
    });
  }
  return {
    url,
    ...(ref === undefined ? {} : { ref }),
    ...(folder === undefined ? {} : { path: folder }),
  };
}

/** The source as it can be given again, without its password. What stands alone before an https host may be a token. */
export function gitSourceText({ url, ref, path }: GitSource): string {
  const place = /^ssh:/i.test(url) ? url.replace(/^(\w+:\/\/[^/@:]*):[^/@]*@/, "$1@") : withoutUser(url);
  return `git+${place}${ref === undefined ? "" : `@${ref}`}${path === undefined ? "" : `#${path}`}`;
}

/**
 * Fetches a package at a ref.
 *
 * @param room an empty folder, which is removed
 * @throws {SkillError} `source_unreachable`, `not_found` for ref or folder, `invalid_package`, `cancelled`
 */
export async function readGitSource(
  { url, ref, path }: GitSource,
  room: string,
  signal: AbortSignal | undefined,
): Promise<GitPackage> {
  const { commit, files } = await readGitFolder({ url, ref, folders: [path] }, room, signal);
  if (files !== undefined) return { commit, files };
  throw new SkillError("not_found", `"${withoutUser(url)}" has no folder "${path ?? ""}" at that ref`, {
    fix: "name the package's folder after #",
  });
}

/**
 * Fetches the first of some folders that a ref has. Nothing is checked out: hooks, filters, links and submodules have
 * no part in it.
 *
 * @param room an empty folder, which is removed
 * @throws {SkillError} `source_unreachable`, `not_found` for the ref, `invalid_package`, `invalid_input`, `cancelled`
 */
export async function readGitFolder(
  source: GitFolder,
  room: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly commit: string; readonly files: readonly PackageFile[] | undefined }> {
  try {
    const run = await gitIn(room, source.client, signal);
    if (!isFetchable(source)) {
      throw new SkillError("invalid_input", `"${withoutUser(source.url)}" cannot be given to git`);
    }
    await succeed(run("init", "--quiet", "--bare"), source);
    const flags = ["--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules"];
    await succeed(run("fetch", ...flags, "--", source.url, source.ref ?? "HEAD"), source);
    const commit = (await succeed(run("rev-parse", "FETCH_HEAD^{commit}"), source)).stdout.trim();
    for (const folder of source.folders) {
      const tree = folder === undefined ? commit : `${commit}:${folder}`;
      if (folder !== undefined && (await run("cat-file", "-t", tree)).stdout.trim() !== "tree") continue;
      const tar = join(room, "package.tar");
      await succeed(run("archive", "--format=tar", `--output=${tar}`, tree), source);
      const { bytes } = await readPlainFile(tar, "the packed repository", MAX_TAR_BYTES);
      return { commit, files: await readTar(bytes) };
    }
    return { commit, files: undefined };
  } finally {
    await rm(room, { recursive: true, force: true });
  }
}

type Git = (...args: readonly string[]) => Promise<ToolResult>;

async function gitIn(
  room: string,
  client: ClientKeys | undefined,
  signal: AbortSignal | undefined,
): Promise<Git> {
  const command = await findGit();
  return (...args) =>
    runTool({
      command,
      args: ["-c", "core.hooksPath=/dev/null", "-C", room, ...args],
      env: gitEnvironment(client),
      cwd: "/",
      timeout_ms: TIMEOUT_MS,
      signal,
    });
}

/** Whether git takes all of it for what it is meant to be: no option, no refspec, no way out of the repository. */
function isFetchable({ url, ref, folders }: GitFolder): boolean {
  const paths = folders.filter((folder) => folder !== undefined);
  if ([url, ...paths].some((text) => text === "" || text.startsWith("-"))) return false;
  if (ref !== undefined && NO_REF.test(ref)) return false;
  return paths.every((path) => path.split("/").every((part) => !["", ".", ".."].includes(part)));
}

async function succeed(running: Promise<ToolResult>, source: GitFolder): Promise<ToolResult> {
  const result = await running;
  if (result.code === 0) return result;
  const said = result.stderr.trim().split("\n").at(-1) ?? "";
  const place = `"${withoutUser(source.url)}"`;
  if (/couldn't find remote ref|not our ref|unadvertised object/.test(result.stderr)) {
    throw new SkillError("not_found", `${place} has no ref "${source.ref ?? "HEAD"}"`, {
      fix: "name a branch, a tag or a full commit after @",
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

/** What the user's git needs to get out, and nothing that changes what it does here. Paths of keys are not for `ps`. */
function gitEnvironment(client: ClientKeys | undefined): Readonly<Record<string, string>> {
  const own = ["HOME", "PATH", "XDG_CONFIG_HOME", "SSH_AUTH_SOCK", "USER", "LOGNAME", ...NETWORK_VARIABLES];
  return {
    HOME: homeFolder(process.env),
    ...pickVariables(process.env, own),
    LC_ALL: "C",
    GIT_TERMINAL_PROMPT: "0",
    GIT_SSH_COMMAND: "ssh -oBatchMode=yes",
    GIT_ALLOW_PROTOCOL: PROTOCOLS,
    ...(client === undefined ? {} : {
      GIT_CONFIG_COUNT: "2",
      GIT_CONFIG_KEY_0: "http.sslCert",
      GIT_CONFIG_VALUE_0: client.cert,
      GIT_CONFIG_KEY_1: "http.sslKey",
      GIT_CONFIG_VALUE_1: client.key,
    }),
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
export function withoutUser(text: string): string {
  return text.replace(/(\w+:\/\/)[^/@\s]+@/g, "$1");
}
