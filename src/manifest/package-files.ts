import type { Buffer } from "node:buffer";
import { constants } from "node:fs";
import { type FileHandle, lstat, open, readdir, realpath } from "node:fs/promises";
import { basename, join } from "node:path";
import { SkillError, type SkillErrorCode } from "../base/errors.ts";
import { type PackageBounds, PackageCollector, type PackageFile } from "./package-collector.ts";

export type { PackageBounds, PackageFile } from "./package-collector.ts";

/** Files and folders of these names have no part in a package. */
export const SKIPPED_NAMES: ReadonlySet<string> = new Set(["__pycache__", ".git", ".venv"]);
// a FIFO must not block the open, a link must not be followed
const READ_PLAIN = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * Reads the files of a package, sorted by path. Anything but directories and regular files is refused: links, FIFOs,
 * sockets, devices; so are names that differ in case only, and more or larger files than the bounds. `__pycache__`,
 * `.git` and `.venv` are skipped, empty folders have no part in it.
 *
 * @param path the package's folder, or the one file that is the whole skill
 * @throws {SkillError} `invalid_package`; `not_found` when there is nothing at `path`
 */
export async function readPackageFiles(
  path: string,
  bounds: PackageBounds = {},
): Promise<readonly PackageFile[]> {
  const collector = new PackageCollector(bounds);
  const found = await entryAt(path, path);
  if (found.isDirectory()) await readFolder(collector, await realpath(path), "");
  else await readEntry(collector, path, basename(path));
  return collector.files;
}

/**
 * Reads a regular file of at most `maxBytes`; never a link, never waits for a writer.
 *
 * @param shown the file's name in errors
 * @throws {SkillError} `code`, or `not_found`
 */
export async function readPlainFile(
  full: string,
  shown: string,
  maxBytes: number,
  code: SkillErrorCode = "invalid_package",
): Promise<{ readonly bytes: Buffer; readonly executable: boolean }> {
  const handle = await openPlain(full, shown, code);
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) {
      throw new SkillError(code, `${shown} is not a regular file`, { fix: "Put a plain file there" });
    }
    const bytes = await readBounded(handle, maxBytes + 1);
    if (bytes.byteLength > maxBytes) {
      throw new SkillError(code, `${shown} is larger than ${maxBytes} bytes`, {
        fix: "Make it smaller or leave it out",
      });
    }
    return { bytes, executable: (stats.mode & 0o100) !== 0 };
  } finally {
    await handle.close();
  }
}

async function readFolder(collector: PackageCollector, root: string, folder: string): Promise<void> {
  for (const name of (await readdir(join(root, folder))).sort()) {
    if (SKIPPED_NAMES.has(name)) continue;
    const path = folder === "" ? name : `${folder}/${name}`;
    collector.name(path);
    const found = await entryAt(join(root, path), path);
    if (found.isDirectory()) await readFolder(collector, root, path);
    else await readEntry(collector, join(root, path), path);
  }
}

async function readEntry(collector: PackageCollector, full: string, path: string): Promise<void> {
  collector.expect();
  const { bytes, executable } = await readPlainFile(full, path, collector.bytesLeft).catch(
    (error: unknown) => {
      // What is too large for the room that is left says so of the whole package.
      const large = SkillError.isInstance(error) && error.message.includes("is larger than");
      throw large ? collector.tooLarge(path, error) : error;
    },
  );
  collector.add({ path, executable, bytes });
}

async function entryAt(full: string, shown: string): ReturnType<typeof lstat> {
  try {
    return await lstat(full);
  } catch (error) {
    throw fileError(error, shown, "invalid_package");
  }
}

async function openPlain(full: string, shown: string, code: SkillErrorCode): Promise<FileHandle> {
  try {
    return await open(full, READ_PLAIN);
  } catch (error) {
    throw fileError(error, shown, code);
  }
}

function fileError(error: unknown, shown: string, code: SkillErrorCode): SkillError {
  switch (String((error as { readonly code?: unknown }).code)) {
    case "ENOENT":
    case "ENOTDIR":
      return new SkillError("not_found", `${shown} does not exist`, { cause: error });
    case "ELOOP":
    case "EMLINK":
      return new SkillError(code, `${shown} is a link`, { fix: "Put the file itself there", cause: error });
    case "ENXIO":
      return new SkillError(code, `${shown} is not a regular file`, {
        fix: "Put a plain file there",
        cause: error,
      });
    default:
      return SkillError.from(error, code, `${shown} cannot be read`);
  }
}

async function readBounded(handle: FileHandle, most: number): Promise<Buffer> {
  const { size } = await handle.stat();
  // one byte more than the file said it has tells whether it grew
  const room = new Uint8Array(Math.min(most, size + 1));
  let filled = 0;
  while (filled < room.byteLength) {
    const { bytesRead } = await handle.read(room, filled, room.byteLength - filled, filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return room.subarray(0, filled) as Buffer;
}
