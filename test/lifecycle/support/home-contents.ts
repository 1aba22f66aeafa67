import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** Everything in a home that can be compared: paths with contents or link targets; databases, logs and times aside. */
export function homeContents(dir: string): Record<string, string> {
  const all: Record<string, string> = {};
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name), name = path.slice(dir.length + 1);
    if (/\.db(?:-|$)|\/logs\//.test(name)) continue;
    if (entry.isSymbolicLink()) all[name] = `-> ${readlinkSync(path)}`;
    else if (entry.isFile()) {
      all[name] = readFileSync(path, "utf8").replaceAll(/"(installed_at|updated_at|ms)": \d+/g, "");
    }
  }
  return all;
}
