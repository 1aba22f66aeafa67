import { lstat, rm } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { SkillError } from "../../base/errors.ts";
import { readTar } from "../../manifest/archive/read-tar.ts";
import { readZip } from "../../manifest/archive/read-zip.ts";
import { type PackageFile, readPackageFiles, readPlainFile } from "../../manifest/package-files.ts";
import { loadPackage } from "../../manifest/package.ts";
import { SKILL_ID } from "../../manifest/skill-id.ts";
import type { Permissions, PythonManifest } from "../../manifest/types.ts";
import type { Home } from "../home/home.ts";
import { writePackageFiles } from "../packages/source-folder.ts";
import { adaptAgentSkill, isAgentSkill } from "./agent-skill.ts";
import { type GitSource, gitSourceText, parseGitSource, readGitSource } from "./git-source.ts";
import { isAgentSkillFolder } from "./validate-source.ts";

/** A package, read whole. */
export interface FetchedPackage {
  readonly id: string;
  readonly version: string;
  /** What it asks for. */
  readonly permissions: Permissions;
  readonly manifest: PythonManifest;
  readonly files: readonly PackageFile[];
  /** Where it came from, without passwords, for the audit. */
  readonly origin: string;
  /** The same without passwords, such that it can be fetched again. */
  readonly source: string;
}

const ARCHIVE = /\.(tar\.gz|tgz|tar|zip)$/i;
const MAX_ARCHIVE_BYTES = 32 * 1024 * 1024;

/**
 * Reads a package from where it is: a folder, also one of Agent Skills, a script that is a whole skill, an id of the home (`<home>/<id>`), a
 * `.tar.gz`, `.tar` or `.zip`, or `git+<url>[@ref][#folder]`, unless `offline`.
 *
 * @throws {SkillError} `not_found`, `invalid_package`, `invalid_manifest`, `invalid_script`, `source_unreachable`
 */
export async function fetchSource(
  home: Home,
  source: string,
  signal: AbortSignal | undefined,
  offline = false,
): Promise<FetchedPackage> {
  const git = parseGitSource(source);
  if (git !== undefined) {
    if (offline) throw switchedOff(git);
    const { files, commit } = await readGitSource(git, await home.staging.temporary(), signal);
    return { ...await packageOf(home, files), origin: `git ${commit}`, source: gitSourceText(git) };
  }
  if (ARCHIVE.test(source) && await isFile(source)) {
    const { bytes } = await readPlainFile(source, `"${source}"`, MAX_ARCHIVE_BYTES);
    const files = /\.zip$/i.test(source) ? await readZip(bytes) : await readTar(bytes);
    const origin = `archive ${basename(source)}`;
    return { ...await packageOf(home, files), origin, source: resolve(source) };
  }
  const place = resolve(await pathOf(home, source));
  if (await isAgentSkillFolder(place)) {
    const read = await packageOf(home, await readPackageFiles(place), basename(place));
    return { ...read, origin: `folder ${basename(place)}`, source: place };
  }
  const { path, manifest } = await loadPackage(place);
  const { id, version, security: { permissions } } = manifest;
  const files = await readPackageFiles(path);
  return { id, version, permissions, manifest, files, origin: `folder ${basename(path)}`, source: place };
}

function switchedOff(git: GitSource): SkillError {
  return new SkillError("source_unreachable", `"${gitSourceText(git)}" is not fetched: the network is off`, {
    fix: "name a folder or an archive, or try without --offline",
  });
}

/**
 * Files as a package, looked at in a folder of their own: what is read is what was in the archive. Those of Agent Skills
 * become one that serves them.
 *
 * @param name of the folder they come from, where it is known
 */
export async function packageOf(
  home: Home,
  given: readonly PackageFile[],
  name?: string,
): Promise<Omit<FetchedPackage, "origin" | "source">> {
  const files = isAgentSkill(given.map(({ path }) => path))
    ? (await adaptAgentSkill(given, home.building, name)).files
    : given;
  if (files.length === 0) throw new SkillError("invalid_package", "there is nothing in it");
  const room = await home.staging.temporary();
  try {
    const folder = join(room, "package");
    await writePackageFiles(folder, files, { durable: false });
    const { path, manifest } = await loadPackage(folder);
    // A script that is a whole skill is taken alone, as from a folder.
    const { id, version, security: { permissions } } = manifest;
    return { id, version, permissions, manifest, files: await readPackageFiles(path) };
  } finally {
    await rm(room, { recursive: true, force: true });
  }
}

/** A path, or an id of the home. */
async function pathOf(home: Home, source: string): Promise<string> {
  if (!SKILL_ID.test(source)) return source;
  const own = home.layout.package(source);
  return await lstat(own).then(() => own, () => source);
}

async function isFile(path: string): Promise<boolean> {
  return await lstat(path).then((found) => found.isFile(), () => false);
}
