import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { SkillError } from "../../base/errors.ts";
import { programProblem } from "../../manifest/command-words.ts";
import { findExecutable } from "../../sandbox/files/find-executable.ts";
import type { DeclaredProgram, SkillProgram } from "../types.ts";

/** What the words of a command lead to: a Python file, which the bootstrap runs itself, or a program that it becomes. */
export type DeclaredCommand =
  | { readonly kind: "script"; readonly entry: string; readonly args: readonly string[] }
  | { readonly kind: "program"; readonly program: DeclaredProgram };

/** The system's folders that every sandbox shows. */
const SYSTEM_PATH = "/usr/bin:/bin";

/**
 * Finds what a declared command means: `./name` is a file of the package, `python` the skill's own interpreter, any
 * other name a program of the system.
 *
 * @throws {SkillError} `start_failed` when there is no such program, or it cannot be executed
 */
export async function findCommand(
  words: readonly string[],
  { source, interpreter }: Pick<SkillProgram, "source" | "interpreter">,
): Promise<DeclaredCommand> {
  const [name = "", ...rest] = words;
  const problem = programProblem(name);
  if (problem !== undefined) throw notFound(name, problem, "correct the command in the manifest");
  if (name === "python" || name === "python3") {
    const [file, ...args] = rest;
    return file?.endsWith(".py") === true && !file.startsWith("-")
      ? { kind: "script", entry: await packageFile(file.replace(/^(?!\.\/)/, "./"), source, "read"), args }
      : { kind: "program", program: { path: interpreter, args: [interpreter, ...rest] } };
  }
  const path = name.startsWith("./")
    ? await packageFile(name, source, "executed")
    : await findExecutable(name, SYSTEM_PATH);
  if (path === undefined) {
    throw notFound(name, "the system has no such program", "install it, or bring one in the package");
  }
  return { kind: "program", program: { path, args: words } };
}

/** The path of a plain file of the package. */
async function packageFile(name: string, source: string, use: "read" | "executed"): Promise<string> {
  const problem = programProblem(name);
  if (problem !== undefined) throw notFound(name, problem, "name a file of the package");
  const path = join(source, name);
  const found = await lstat(path).catch(() => undefined);
  if (found?.isFile() !== true) {
    throw notFound(name, "the package has no such file", "put it into the package");
  }
  if (use === "executed" && (found.mode & 0o111) === 0) {
    throw notFound(
      name,
      "it is not executable",
      `run chmod +x ${name.slice(2)}, then install the skill again`,
    );
  }
  return path;
}

function notFound(name: string, reason: string, fix: string): SkillError {
  return new SkillError("start_failed", `the command "${name}" cannot be started: ${reason}`, {
    fix,
    details: { command: name },
  });
}
