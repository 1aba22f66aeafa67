import { lstat, readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { sha256 } from "../../base/digest.ts";

/**
 * What files look like from outside, in one short text: path, size, time of the last write, inode and mode of everything
 * below a folder. It stays when the folder is renamed and when another name is linked to a file, and costs a fraction of
 * a digest; who changes a file on purpose can keep it. Undefined when the folder cannot be read.
 */
export async function looksOf(folder: string): Promise<string | undefined> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const lines = await Promise.all(entries.map(async (entry) => {
      const path = join(entry.parentPath, entry.name);
      const { size, mtimeMs, ino, mode } = await lstat(path);
      // Size and time of a folder follow the names in it, which are here anyway.
      const look = entry.isDirectory() ? [mode] : [size, mtimeMs, ino, mode];
      return [relative(folder, path), ...look].join("\0");
    }));
    return sha256(lines.sort().join("\n"));
  } catch {
    return undefined;
  }
}
