import { chmod, lstat, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeFolder, syncFolder } from "../../base/atomic-file.ts";
import { digestFiles } from "../../base/digest.ts";
import { SkillError } from "../../base/errors.ts";
import { type PackageFile, readPackageFiles } from "../../manifest/package-files.ts";
import type { SkillRecord } from "../records/records.ts";
import { newest } from "../records/skill-record.ts";
import type { HomeLayout } from "../storage/home-layout.ts";
import { ownedName, trashName } from "../storage/leases.ts";

const MAX_TRIES = 10;

/** How files of a package are written. */
export interface WriteFilesOptions {
  /** They must survive a power cut once this is done. Default true. */
  readonly durable?: boolean;
  /** Nobody is meant to change them. Default false. */
  readonly readOnly?: boolean;
}

/** Writes the files of a package below `dir`, which is made. Paths were checked when the files were read. */
export async function writePackageFiles(
  dir: string,
  files: readonly PackageFile[],
  options: WriteFilesOptions = {},
): Promise<void> {
  const { durable = true, readOnly = false } = options;
  const folders = new Set([dir, ...files.map(({ path }) => dirname(join(dir, path)))]);
  for (const folder of folders) await mkdir(folder, { recursive: true });
  for (const { path, executable, bytes } of files) {
    const file = await open(join(dir, path), "wx", 0o600);
    try {
      await file.writeFile(bytes);
      await file.chmod((executable ? 0o755 : 0o644) & (readOnly ? 0o555 : 0o777));
      if (durable) await file.sync();
    } finally {
      await file.close();
    }
  }
  if (durable) { for (const folder of folders) await syncFolder(folder); }
}

/** Puts a folder with these files at `dir`, as a whole: a reader sees the old folder, for a moment none, or the new one. */
export async function replaceFolder(
  dir: string,
  trash: string,
  files: readonly PackageFile[],
  options: WriteFilesOptions = {},
): Promise<void> {
  const fresh = join(trash, await ownedName());
  try {
    await writePackageFiles(fresh, files, options);
    await chmod(fresh, 0o755);
    for (let tries = 1; !await takePlace(fresh, dir, join(trash, trashName())); tries++) {
      if (tries < MAX_TRIES) continue;
      throw new SkillError("conflict", `"${dir}" keeps being written by another process`, {
        fix: "try again",
      });
    }
    if (options.durable !== false) await syncFolder(dirname(dir));
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

/** Moves the folder at `dir` aside and `fresh` into its place; false when somebody else was faster. */
async function takePlace(fresh: string, dir: string, aside: string): Promise<boolean> {
  try {
    await makeFolder(dirname(dir));
    await rename(dir, aside).catch(ignore("ENOENT"));
    await rename(fresh, dir);
    return true;
  } catch (error) {
    // Another folder lies there already, or the one around it was just removed.
    ignore("ENOTEMPTY", "EEXIST", "ENOENT")(error as NodeJS.ErrnoException);
    return false;
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

function ignore(...codes: readonly string[]): (error: NodeJS.ErrnoException) => void {
  return (error) => {
    if (!codes.includes(error.code ?? "")) throw error;
  };
}

/**
 * Brings `<home>/<id>` up to the newest generation, unless somebody works in it: a folder that is none of ours stays.
 */
export async function projectSource(layout: HomeLayout, record: SkillRecord): Promise<void> {
  const wanted = newest(record);
  const folder = layout.package(record.id);
  if (await exists(folder)) {
    const found = await folderDigest(folder);
    const ours = record.generations.some(({ digest }) => digest === found);
    if (!ours || found === wanted.digest) return;
  }
  const source = join(layout.build(record.id, wanted.build), "src");
  const files = await readPackageFiles(source).catch(() => undefined);
  if (files !== undefined) await replaceFolder(folder, layout.staging, files);
}

async function folderDigest(folder: string): Promise<string | undefined> {
  return await readPackageFiles(folder).then(digestFiles, () => undefined);
}

async function exists(path: string): Promise<boolean> {
  return await lstat(path).then(() => true, () => false);
}
