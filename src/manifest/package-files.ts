import type { Buffer } from "node:buffer";
import { constants } from "node:fs";
import { type FileHandle, lstat, open, readdir, realpath } from "node:fs/promises";
import { basename, join } from "node:path";
import { SkillError, type SkillErrorCode } from "../base/errors.ts";

/** One file of a package, as `digestFiles` takes it. */
export interface PackageFile {
  /** Path below the package, with `/`. */
  readonly path: string;
  readonly executable: boolean;
  readonly bytes: Uint8Array;
}

/** Bounds of a package. */
export interface PackageBounds {
  /** Default 512. */
  readonly maxFiles?: number;
  /** Of all files together. Default 16 MiB. */
  readonly maxBytes?: number;
}

const SKIPPED = new Set(["__pycache__", ".git", ".venv"]);
const MAX_DEPTH = 16;
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
  const walk: Walk = {
    left: { files: bounds.maxFiles ?? 512, bytes: bounds.maxBytes ?? 16 * 1024 * 1024 },
    bounds,
    names: new Map(),
    files: [],
  };
  const found = await entryAt(path, path);
  if (found.isDirectory()) await readFolder(walk, await realpath(path), "", 0);
  else await readEntry(walk, path, basename(path));
  return walk.files.sort((a, b) => (a.path < b.path ? -1 : 1));
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

interface Walk {
  readonly left: { files: number; bytes: number };
  readonly bounds: PackageBounds;
  /** Path by its form on file systems that ignore case. */
  readonly names: Map<string, string>;
  readonly files: PackageFile[];
}

async function readFolder(walk: Walk, root: string, folder: string, depth: number): Promise<void> {
  if (depth > MAX_DEPTH) {
    throw new SkillError("invalid_package", `${folder} is nested deeper than ${MAX_DEPTH} folders`);
  }
  for (const name of (await readdir(join(root, folder))).sort()) {
    if (SKIPPED.has(name)) continue;
    const path = folder === "" ? name : `${folder}/${name}`;
    checkName(walk, path, name);
    const found = await entryAt(join(root, path), path);
    if (found.isDirectory()) await readFolder(walk, root, path, depth + 1);
    else await readEntry(walk, join(root, path), path);
  }
}

async function readEntry(walk: Walk, full: string, path: string): Promise<void> {
  if (walk.left.files-- <= 0) {
    throw new SkillError(
      "invalid_package",
      `the package has more than ${walk.bounds.maxFiles ?? 512} files`,
      {
        fix: "Leave out what the skill doesn't need to run and to be tested",
      },
    );
  }
  const { bytes, executable } = await readPlainFile(full, path, walk.left.bytes).catch((error: unknown) => {
    throw tooLarge(error, walk, path);
  });
  walk.left.bytes -= bytes.byteLength;
  walk.files.push({ path, executable, bytes });
}

/** What is too large for the room that is left says so of the whole package. */
function tooLarge(error: unknown, walk: Walk, path: string): unknown {
  if (!SkillError.isInstance(error) || !error.message.includes("is larger than")) return error;
  const limit = walk.bounds.maxBytes ?? 16 * 1024 * 1024;
  return new SkillError(
    "invalid_package",
    `the package is larger than ${limit} bytes, counted up to ${path}`,
    {
      fix: "Leave out what the skill doesn't need to run and to be tested",
      cause: error,
    },
  );
}

function checkName(walk: Walk, path: string, name: string): void {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u001f\u007f\\\uFFFD]/.test(name)) {
    throw new SkillError(
      "invalid_package",
      `${JSON.stringify(path)} has a character in its name that is not accepted`,
    );
  }
  const folded = path.normalize("NFC").toLowerCase();
  const twin = walk.names.get(folded);
  if (twin !== undefined) {
    throw new SkillError("invalid_package", `"${twin}" and "${path}" differ in case only`, {
      fix: "Rename one of them",
    });
  }
  walk.names.set(folded, path);
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
