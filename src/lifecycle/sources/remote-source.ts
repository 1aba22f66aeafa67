import { lstat, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { digestFiles } from "../../base/digest.ts";
import { SkillError } from "../../base/errors.ts";
import { type PackageFile, readPackageFiles } from "../../manifest/package-files.ts";
import { SKILL_ID } from "../../manifest/skill-id.ts";
import { type Home, requireTrusted } from "../home/home.ts";
import { type PackageFiles, textOf } from "../packages/package-text.ts";
import { type ClientKeys, readGitFolder, withoutUser } from "./git-source.ts";

/** `workspace`: `<home>/<id>` and the registry; `dev`: the folder of the development space and its hub. */
export type SourceSpace = "workspace" | "dev";

/** A skill's source here and in the remote of its space. */
export interface RemoteSource {
  /** Without user and password. */
  readonly url: string;
  readonly branch: string;
  readonly commit: string;
  /** The folder here. */
  readonly folder: string;
  /** Whether the bytes here differ from those there; `absent` when there are none there. */
  readonly source: "same" | "changed" | "absent";
  /** Text files here. */
  readonly here: PackageFiles;
  /** Text files there. */
  readonly there: PackageFiles;
}

/** Where a space has a skill here, and where it has it there. */
interface Place {
  readonly folder: string;
  readonly remote: string;
  readonly branch: string;
  readonly client?: ClientKeys;
}

/**
 * Fetches a skill's source, `<id>/` or `skills/<id>/`, from the remote of a space. Nothing of the home changes.
 *
 * @throws {SkillError} `source_unreachable` also where a setting is missing, `not_found`, `invalid_package`, `cancelled`
 */
export async function readRemoteSource(
  home: Home,
  id: string,
  space: SourceSpace,
  signal: AbortSignal | undefined,
): Promise<RemoteSource> {
  requireTrusted(home);
  if (!SKILL_ID.test(id)) throw new SkillError("invalid_input", `"${id.slice(0, 100)}" is no id of a skill`);
  const { folder, remote, branch, client } = space === "dev" ? await devSpace(home, id) : workspace(home, id);
  const here = await ownFiles(folder);
  if (here === undefined && space === "dev") throw new SkillError("not_found", `there is no "${folder}"`);
  const { commit, files } = await readGitFolder(
    { url: remote, ref: `refs/heads/${branch}`, folders: [id, `skills/${id}`], client },
    await home.staging.temporary(),
    signal,
  );
  return {
    url: withoutUser(remote),
    branch,
    commit,
    folder,
    source: compared(here, files),
    here: texts(here),
    there: texts(files),
  };
}

function workspace({ layout, settings: { registry } }: Home, id: string): Place {
  const { remote, branch } = registry;
  if (remote === undefined) throw unset(layout.config, "registry", ["remote"]);
  return { folder: layout.package(id), remote, branch };
}

async function devSpace({ layout, settings }: Home, id: string): Promise<Place> {
  const { folder, remote, branch, client_cert, client_key } = settings.spaces.dev;
  if (folder === undefined || remote === undefined || client_cert === undefined || client_key === undefined) {
    const needed = { folder, remote, client_cert, client_key };
    const missing = Object.entries(needed).filter(([, value]) => value === undefined).map(([name]) => name);
    throw unset(layout.config, "spaces.dev", missing);
  }
  if (!/^(https|file):\/\//i.test(remote)) {
    throw new SkillError("source_unreachable", `"${withoutUser(remote)}" does not ask for client keys`, {
      fix: `set remote in [spaces.dev] of ${layout.config} to an https:// address`,
    });
  }
  const client = { cert: resolve(layout.dir, client_cert), key: resolve(layout.dir, client_key) };
  await requireFile(client.cert, "client_cert");
  await requireFile(client.key, "client_key");
  return { folder: join(resolve(layout.dir, folder), id), remote, branch, client };
}

function unset(config: string, table: string, missing: readonly string[]): SkillError {
  return new SkillError("source_unreachable", `[${table}] does not say ${missing.join(", ")}`, {
    fix: `set ${missing.join(", ")} in [${table}] of ${config}`,
    details: { table, missing },
  });
}

async function requireFile(path: string, name: string): Promise<void> {
  if (await stat(path).then((found) => found.isFile(), () => false)) return;
  throw new SkillError("source_unreachable", `${name} of [spaces.dev] is no file: "${path}"`, {
    fix: "name the file in PEM form that the hub gave you",
    details: { table: "spaces.dev", missing: [name] },
  });
}

/** Files of a folder; undefined where there is none. */
async function ownFiles(folder: string): Promise<readonly PackageFile[] | undefined> {
  const exists = await lstat(folder).then(() => true, () => false);
  return exists ? await readPackageFiles(folder) : undefined;
}

function compared(
  here: readonly PackageFile[] | undefined,
  there: readonly PackageFile[] | undefined,
): RemoteSource["source"] {
  if (there === undefined) return "absent";
  return here !== undefined && digestFiles(here) === digestFiles(there) ? "same" : "changed";
}

function texts(files: readonly PackageFile[] | undefined): PackageFiles {
  return files === undefined ? {} : textOf(files);
}
