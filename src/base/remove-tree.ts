import { chmod, lstat, readdir, rmdir, unlink } from "node:fs/promises";
import { type PinnedFolder, withFolder } from "./pinned-folder.ts";

/**
 * Removes a folder with all that is in it, whatever it is: nothing is followed, and a subfolder that was closed by its
 * owner is opened first. False when the time was up or something could not be removed; what is left can be tried again.
 *
 * @param end on the clock of `performance.now`
 */
export async function removeTree(path: string, end: number): Promise<boolean> {
  try {
    await openUp(path);
    if (!await withFolder(path, (folder) => empty(folder, end))) return false;
    await rmdir(path);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT";
  }
}

async function empty(folder: PinnedFolder, end: number): Promise<boolean> {
  let all = true;
  for (const entry of await readdir(folder.at(), { withFileTypes: true })) {
    if (performance.now() > end) return false;
    const path = folder.at(entry.name);
    const removed = entry.isDirectory() ? await removeTree(path, end) : await removeFile(path);
    all &&= removed;
  }
  return all;
}

async function removeFile(path: string): Promise<boolean> {
  try {
    await unlink(path);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT";
  }
}

async function openUp(path: string): Promise<void> {
  const stat = await lstat(path);
  if (stat.isDirectory() && (stat.mode & 0o700) !== 0o700) await chmod(path, 0o700);
}
