import { readdirSync } from "node:fs";
import { join } from "node:path";

/** All paths below a folder. What goes meanwhile, as the folder of a process that has ended, is left out. */
export function pathsBelow(dir: string): string[] {
  return entriesOf(dir).flatMap((entry) => {
    const path = join(dir, entry.name);
    return entry.isDirectory() ? [path, ...pathsBelow(path)] : [path];
  });
}

function entriesOf(dir: string): ReturnType<typeof list> {
  try {
    return list(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

const list = (dir: string) => readdirSync(dir, { withFileTypes: true });
