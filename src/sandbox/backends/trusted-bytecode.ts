import { execFile } from "node:child_process";
import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import type { CanaryPython } from "../canary/canary-python.ts";
import type { PythonFiles } from "../files/python-files.ts";

const TIMEOUT_MS = 30_000;

/**
 * Has Python keep the bytecode of our own files beside them. Confined programs cannot write there and would compile
 * them at each start, which takes longer than all the rest of it. Bytecode is checked by a hash of its source, since
 * packages are unpacked with one time for all files. Where the folder cannot be written, starts stay slow. Never
 * throws.
 */
export async function keepBytecode({ path }: CanaryPython, { dir }: PythonFiles): Promise<void> {
  if (await isThere(dir, basename(path))) return;
  const args = ["-I", "-S", "-m", "compileall", "-q", "-f", "--invalidation-mode", "checked-hash", dir];
  await promisify(execFile)(path, args, { timeout: TIMEOUT_MS, cwd: "/", env: {} }).catch(() => {});
}

/** Whether each file has newer bytecode: of this Python where its name tells its version, else of any. */
async function isThere(dir: string, python: string): Promise<boolean> {
  const minor = /^python3\.(\d+)$/.exec(python)?.[1] ?? "";
  const sources = (await readdir(dir).catch(() => [])).filter((name) => name.endsWith(".py"));
  const compiled = await readdir(join(dir, "__pycache__")).catch(() => []);
  const found = await Promise.all(sources.map(async (name) => {
    const own = compiled.filter((one) => one.startsWith(`${name.slice(0, -3)}.cpython-3${minor}`));
    const times = await Promise.all(own.map((one) => changedAt(join(dir, "__pycache__", one))));
    return Math.max(...times) >= await changedAt(join(dir, name));
  }));
  return found.every((one) => one);
}

async function changedAt(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.mtimeMs ?? -Infinity;
}
