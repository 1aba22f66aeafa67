import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

/** Longer than any step of an installation takes, so that nobody's work is taken away. */
const LEFTOVER_AGE_MS = 3600 * 1000;

/** Takes away what killed installations left in a folder. */
export async function sweep(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > LEFTOVER_AGE_MS) await rm(path, { recursive: true, force: true });
  }
}
