import { stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** Where a home is, and whether the host's own code said so. */
export interface HomePlace {
  readonly dir: string;
  /** True: chosen by code, so it needs no trust of the user's. False: found on this machine. */
  readonly chosen: boolean;
}

/**
 * The home to open: `dir`, else `SKILLWRIGHT_DIR`, else `./.skills` if it exists, else `~/.skillwright`. Only `dir` is
 * a choice of the host's code; the others depend on where the user stands, and a cloned repository can bring one.
 */
export async function findHome(
  dir: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Promise<HomePlace> {
  if (dir !== undefined) return { dir: resolve(dir), chosen: true };
  const set = env["SKILLWRIGHT_DIR"];
  if (set !== undefined && set !== "") return { dir: resolve(set), chosen: false };
  const local = resolve(".skills");
  const isFolder = await stat(local).then((entry) => entry.isDirectory(), () => false);
  return { dir: isFolder ? local : join(homedir(), ".skillwright"), chosen: false };
}
