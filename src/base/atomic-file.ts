import { closeSync, fsyncSync, openSync } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Another process may make a folder, or remove what is around it, at the same time. */
const MOST_TRIES = 10;

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
  const parent = dirname(path);
  let around: readonly string[] = [];
  // Not by `recursive`: on Node that never ends where a folder is there but takes no entries, as /proc.
  for (let tries = 1; !await isFolder(path); tries++) {
    if (parent !== path) around = [...await madeIn(parent, options), ...around];
    try {
      await mkdir(path, options);
      return [parent, ...around];
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (tries === MOST_TRIES || (code !== "ENOENT" && code !== "EEXIST")) throw error;
    }
  }
  return around;
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    unlessGone(error as NodeJS.ErrnoException);
    return false;
  }
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
