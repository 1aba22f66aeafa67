import { access, mkdir, mkdtemp, readdir, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { onTestFinished } from "vitest";
import {
  createEnvironments,
  type CreateEnvironmentsOptions,
} from "../../src/environment/create-environments.ts";
import { findPython } from "../../src/environment/toolchain/find-python.ts";
import type { Environments, PythonInterpreter } from "../../src/environment/types.ts";
import { runTool } from "../../src/environment/toolchain/run-tool.ts";
import type { UserEnvironment } from "../../src/environment/toolchain/user-environment.ts";
import { testCache } from "../test-cache.ts";

/** A new folder that goes with the test. */
export async function temporaryFolder(parent: string = tmpdir()): Promise<string> {
  const folder = await realpath(await mkdtemp(join(parent, "skillwright-environment-")));
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));
  return folder;
}

/** This user's variables without those that only change how uv works. */
export function userEnv(more: UserEnvironment = {}): UserEnvironment {
  const kept = Object.entries(process.env).filter(([name]) =>
    !name.startsWith("UV_") || /INDEX|LINKS|CERT/.test(name)
  );
  return { ...Object.fromEntries(kept), ...more };
}

export function thisPython(): Promise<PythonInterpreter> {
  return findPython({ env: userEnv() });
}

/** One uv and one package cache for all test files and runs of this user, so that each is downloaded once. */
export async function sharedCache(): Promise<string> {
  const folder = join(testCache(), "skillwright");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/** The real uv, fetched at most once. */
export async function sharedUv(): Promise<string> {
  return (await createEnvironments({ cacheDir: await sharedCache(), env: userEnv() }).uv()).path;
}

/** Environments with the shared uv and cache. */
export async function sharedEnvironments(options: CreateEnvironmentsOptions = {}): Promise<Environments> {
  return createEnvironments({
    cacheDir: await sharedCache(),
    uv: await sharedUv(),
    env: userEnv(),
    ...options,
  });
}

export async function exists(path: string): Promise<boolean> {
  return await access(path).then(() => true, () => false);
}

/** Names in a folder; none when it is not there. */
export async function namesIn(folder: string, recursive: boolean = false): Promise<readonly string[]> {
  return await readdir(folder, { recursive }).catch(() => []);
}

/** Bubblewrap, where one is installed that works: containers often forbid what it needs. */
export async function findBwrap(): Promise<string | undefined> {
  for (const path of ["/usr/bin/bwrap", "/usr/local/bin/bwrap"]) {
    const args = ["--unshare-user", "--ro-bind", "/", "/", "/bin/true"];
    const works = await runTool({ command: path, args, env: {}, cwd: "/", timeout_ms: 10_000 })
      .then(({ code }) => code === 0, () => false);
    if (works) return path;
  }
  return undefined;
}
