import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { SkillError } from "../../src/base/errors.ts";

/** The rows of a JSON lines file below `test/data`. */
export function dataLines(name: string): readonly unknown[] {
  const text = readFileSync(new URL(`../data/${name}`, import.meta.url), "utf8");
  return text.trim().split("\n").map((line) => JSON.parse(line) as unknown);
}

/** A folder with these files, removed after the test. */
export async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "skillwright-manifest-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}

/** The `SkillError` that `act` throws. */
export async function errorOf(act: () => unknown): Promise<SkillError> {
  try {
    await act();
  } catch (error) {
    if (SkillError.isInstance(error)) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

/** What `act` throws, unless it is a `SkillError`: then, and when nothing is thrown, undefined. */
export function foreignError(act: () => unknown): unknown {
  try {
    act();
    return undefined;
  } catch (error) {
    return SkillError.isInstance(error) ? undefined : error;
  }
}
