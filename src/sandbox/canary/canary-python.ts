import { execFile } from "node:child_process";
import { realpath } from "node:fs/promises";
import { promisify } from "node:util";
import { SkillError } from "../../base/errors.ts";
import { findExecutable } from "../files/find-executable.ts";

/** An interpreter, and the folders it must be able to read. */
export interface CanaryPython {
  readonly path: string;
  readonly roots: readonly string[];
}

/** Prints its real path and the root of its library. */
const ASK =
  "import os, sys; print(os.path.realpath(sys.executable)); print(os.path.realpath(sys.base_prefix))";

/**
 * Finds any Python 3 for the canary. A launcher on PATH is asked for the interpreter behind it.
 *
 * @throws {SkillError} `python_unavailable`
 */
export async function findCanaryPython(): Promise<CanaryPython> {
  const fix = "install Python 3.9 or later";
  const launcher = await findExecutable("python3", "/usr/bin") ?? await findExecutable("python3");
  if (launcher === undefined) {
    throw new SkillError("python_unavailable", "no python3 was found on PATH", { fix });
  }
  try {
    const { stdout } = await promisify(execFile)(launcher, ["-I", "-S", "-c", ASK], { timeout: 10_000 });
    const [path = "", root = ""] = stdout.split("\n");
    return { path: await realpath(path), roots: root === "" ? [] : [await realpath(root)] };
  } catch (error) {
    throw new SkillError("python_unavailable", `"${launcher}" does not run`, { fix, cause: error });
  }
}
