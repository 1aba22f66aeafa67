import { constants } from "node:fs";
import { mkdir, open } from "node:fs/promises";
import { SkillError } from "../../base/errors.ts";
import { withFolder } from "../../base/pinned-folder.ts";
import type { RunnerLimits } from "../types.ts";

const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/**
 * Refuses files that may not go in: too many, too large, or a path that could leave the folder.
 *
 * @throws {SkillError} `invalid_input`, `limit_exceeded`
 */
export function checkFiles(
  files: Readonly<Record<string, Uint8Array>>,
  limits: Pick<RunnerLimits, "maxFiles" | "maxFileBytes">,
): void {
  const entries = Object.entries(files);
  if (entries.length > limits.maxFiles) {
    throw new SkillError(
      "limit_exceeded",
      `${entries.length} files for a call, the limit is ${limits.maxFiles}`,
    );
  }
  const bytes = entries.reduce((sum, [, data]) => sum + data.byteLength, 0);
  if (bytes > limits.maxFileBytes) {
    throw new SkillError(
      "limit_exceeded",
      `the files for a call are ${bytes} bytes long, the limit is ${limits.maxFileBytes}`,
    );
  }
  for (const [path] of entries) checkPath(path);
}

/** Writes checked files below `root`, an empty folder. */
export async function writeFiles(root: string, files: Readonly<Record<string, Uint8Array>>): Promise<void> {
  for (const [path, data] of Object.entries(files)) await writeBelow(root, path.split("/"), data);
}

async function writeBelow(root: string, segments: readonly string[], data: Uint8Array): Promise<void> {
  await withFolder(root, async (folder) => {
    const [name = "", ...rest] = segments;
    if (rest.length > 0) {
      await mkdir(folder.at(name)).catch(ignoreExisting);
      await writeBelow(folder.at(name), rest, data);
      return;
    }
    const file = await open(folder.at(name), NEW_FILE, 0o600);
    try {
      await file.writeFile(data);
    } finally {
      await file.close();
    }
  });
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== "EEXIST") throw error;
}

function checkPath(path: string): void {
  const segments = path.split("/");
  const bad = path.length > 1024 || segments.length > 8 || /[\0\\]/.test(path) ||
    segments.some((name) => name === "" || name === "." || name === ".." || name.length > 200);
  if (bad) {
    throw new SkillError(
      "invalid_input",
      `the file path "${path.slice(0, 200)}" is not a plain relative path`,
      {
        fix: 'use names like "data.csv" or "tables/a.csv"',
      },
    );
  }
}
