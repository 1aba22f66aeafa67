import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SkillError } from "../../base/errors.ts";

/** The trusted Python files that this package ships. */
export interface PythonFiles {
  /** Their folder, which every sandboxed program must be able to read. */
  readonly dir: string;
  readonly boot: string;
}

/**
 * Finds the trusted Python files beside the sources, or beside the built package: both lie one level below its root.
 *
 * @throws {SkillError} `sandbox_unavailable` when the package is not on disk, or incomplete.
 */
export function pythonFiles(moduleUrl: string = import.meta.url): PythonFiles {
  const url = new URL("../../../python/", moduleUrl);
  const dir = url.protocol === "file:" ? fileURLToPath(url).replace(/\/$/, "") : "";
  const boot = join(dir, "boot.py");
  if (dir === "" || !existsSync(boot)) {
    throw new SkillError("sandbox_unavailable", `the package's Python files are not at "${url.href}"`, {
      fix: "install the package into node_modules, so that its python/ folder is on disk",
    });
  }
  return { dir, boot };
}
