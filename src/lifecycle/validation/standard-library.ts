import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { SkillError } from "../../base/errors.ts";

const ASK =
  "import sys; print('\\n'.join(sorted(getattr(sys, 'stdlib_module_names', ())) + list(sys.builtin_module_names)))";

/** Names of the modules that come with an interpreter. Empty for one that can't tell (before Python 3.10). @throws {SkillError} `python_unavailable` */
export async function standardLibrary(interpreter: string): Promise<ReadonlySet<string>> {
  try {
    const { stdout } = await promisify(execFile)(interpreter, ["-I", "-S", "-c", ASK], {
      timeout: 20_000,
      maxBuffer: 1 << 20,
      env: {},
    });
    const names = stdout.split("\n").filter((name) => name !== "");
    return new Set(names.includes("json") ? names : []);
  } catch (error) {
    throw SkillError.from(error, "python_unavailable", `the interpreter "${interpreter}" cannot be asked`);
  }
}
