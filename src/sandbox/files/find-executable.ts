import { access, constants, realpath, stat } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import process from "node:process";
import { isWithin } from "./paths.ts";

/**
 * Finds a program on the absolute entries of PATH, then in the system's folders, and returns its real path. A program
 * in or below the working directory, which may be somebody else's repository, or one that everybody may replace, does
 * not count.
 */
export async function findExecutable(
  name: string,
  path: string = process.env["PATH"] ?? "",
): Promise<string | undefined> {
  const folders = [...path.split(":").filter(isAbsolute), "/usr/bin", "/usr/local/bin", "/bin"];
  const here = await realpath(process.cwd());
  for (const folder of new Set(folders)) {
    const found = await executableAt(join(folder, name));
    if (found !== undefined && !isPlanted(found, here)) return found;
  }
  return undefined;
}

function isPlanted(path: string, workingDirectory: string): boolean {
  return workingDirectory !== "/" && !isWithin(path, "/usr") && isWithin(path, workingDirectory);
}

async function executableAt(path: string): Promise<string | undefined> {
  try {
    const real = await realpath(path);
    const { mode } = await stat(real);
    await access(real, constants.X_OK);
    return (mode & 0o170002) === 0o100000 ? real : undefined;
  } catch {
    return undefined;
  }
}
