import { closeSync, fsyncSync, openSync } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Options of `writeFileAtomic`. */
export interface AtomicWriteOptions {
  /** Permission bits of the new file. Default 0o600. */
  readonly mode?: number;
  /** Where the temporary file is made: a free path on the same file system. Default: beside the file. */
  readonly temporary?: string;
  /** Whether a power cut can no longer bring the old bytes back. Who passes false syncs the folder. Default true. */
  readonly durable?: boolean;
}

/**
 * Writes a file so that a reader, or a power cut, sees the old bytes or the new ones, never a part: a temporary
 * file in the same folder, fsync, rename, fsync of the folder. A link at `path` is replaced, not followed.
 * On any failure the temporary file is removed and the old file is untouched.
 */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array,
  options: AtomicWriteOptions = {},
): Promise<void> {
  const folder = dirname(path);
  // The global one: "node:crypto" takes longer to load than a command that only reads takes altogether.
  const { temporary = join(folder, `.${basename(path)}.${crypto.randomUUID()}.tmp`), durable = true } =
    options;
  try {
    const file = await open(temporary, "wx", options.mode ?? 0o600);
    try {
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  if (durable) await syncFolder(folder);
}

/**
 * Makes a folder and those around it that are missing, such that a power cut leaves them there. When another process
 * removes it at the same time, who uses it finds out.
 */
export async function makeFolder(path: string, options: { readonly mode?: number } = {}): Promise<void> {
  for (const folder of await madeIn(path, options)) await syncFolder(folder).catch(unlessGone);
}

/** For a folder that is to be synced: without it there is nothing to sync. */
export function unlessGone(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") throw error;
}

/** Makes a folder in the same way, but who calls it syncs the folders that got an entry: they are the answer. */
export async function madeIn(
  path: string,
  options: { readonly mode?: number } = {},
): Promise<readonly string[]> {
  const first = await mkdir(path, { recursive: true, ...options });
  if (first === undefined) return [];
  const folders: string[] = [];
  for (let folder = path; folder.length >= first.length; folder = dirname(folder)) {
    folders.push(dirname(folder));
  }
  return folders;
}

/** Makes the entries of a folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The same without waiting, for what must not be interrupted. */
export function syncFolderSync(folder: string): void {
  const file = openSync(folder, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
