// What all test files of a run share: settled once, inherited by the processes that run the tests.
import { existsSync, mkdirSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import process from "node:process";
import { findPython } from "../src/environment/toolchain/find-python.ts";
import { testCache } from "./test-cache.ts";

export async function setup(): Promise<void> {
  const cache = testCache();
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  // uv, packages and compiled code are made once, not once for each test file.
  process.env["XDG_CACHE_HOME"] ??= cache;
  process.env["NODE_COMPILE_CACHE"] ??= join(cache, "node");
  process.env["PATH"] = await pathToPython(process.env["PATH"] ?? "");
}

/** A shim that picks a Python is some forty processes each time it is asked: what it picks goes before it. */
async function pathToPython(path: string): Promise<string> {
  const folders = path.split(delimiter);
  const first = folders.findIndex((folder) => existsSync(join(folder, "python3")));
  const python = await findPython({ env: process.env }).catch(() => undefined);
  const own = python === undefined ? undefined : dirname(python.path);
  if (own === undefined || own === folders[first] || !existsSync(join(own, "python3"))) return path;
  return folders.toSpliced(Math.max(first, 0), 0, own).join(delimiter);
}
