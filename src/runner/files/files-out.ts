import { constants, type Dirent, lstatSync } from "node:fs";
import { open, readdir, rmdir, unlink } from "node:fs/promises";
import { SkillError } from "../../base/errors.ts";
import { type PinnedFolder, withFolder } from "../../base/pinned-folder.ts";
import type { RunnerLimits } from "../types.ts";
import { MAX_FOLDER_BYTES } from "./empty-folder.ts";

/** What a skill left behind. */
export interface CollectedFiles {
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** Paths of what is no plain file (links, pipes, sockets, devices) and was left out. */
  readonly skipped: readonly string[];
}

const READ_FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const MAX_DEPTH = 8;

/**
 * Reads the plain files below `root`. A link is not followed, a pipe is not waited for, and nothing that a running
 * skill does meanwhile leads out of the folder.
 *
 * @throws {SkillError} `limit_exceeded` for too many or too large files; `protocol_error` when the skill replaced or
 * removed what was being read
 */
export async function collectFiles(
  root: string,
  limits: Pick<RunnerLimits, "maxFiles" | "maxFileBytes">,
): Promise<CollectedFiles> {
  const collector = new Collector(limits);
  try {
    await withFolder(root, (folder) => collector.folder(folder, "", 0));
  } catch (error) {
    throw SkillError.from(error, "protocol_error", "what the skill left in out/ cannot be collected");
  }
  return { files: Object.fromEntries(collector.files), skipped: collector.skipped };
}

/** Removes everything below `root`, following nothing. False when there was too much of it to go on with this folder. */
export async function clearFolder(root: string): Promise<boolean> {
  try {
    return await withFolder(root, (folder) => clear(folder, { left: 4096 }));
  } catch {
    return false;
  }
}

class Collector {
  readonly files: [string, Uint8Array][] = [];
  readonly skipped: string[] = [];
  readonly #limits: Pick<RunnerLimits, "maxFiles" | "maxFileBytes">;
  #bytes = 0;
  #entries = 0;

  constructor(limits: Pick<RunnerLimits, "maxFiles" | "maxFileBytes">) {
    this.#limits = limits;
  }

  async folder(folder: PinnedFolder, prefix: string, depth: number): Promise<void> {
    for (const entry of await list(folder)) {
      this.#entries++;
      if (this.#entries > this.#limits.maxFiles * 4 || depth > MAX_DEPTH) throw this.#tooMany();
      const path = prefix + entry.name;
      if (entry.isDirectory()) {
        await withFolder(folder.at(entry.name), (inner) => this.folder(inner, `${path}/`, depth + 1));
      } else if (entry.isFile()) await this.#file(folder, entry.name, path);
      else this.skipped.push(path);
    }
  }

  async #file(folder: PinnedFolder, name: string, path: string): Promise<void> {
    if (this.files.length >= this.#limits.maxFiles) throw this.#tooMany();
    const file = await open(folder.at(name), READ_FILE);
    try {
      const stat = await file.stat();
      // A second name of a file may be the name of a file elsewhere.
      if (!stat.isFile() || stat.nlink > 1) {
        this.skipped.push(path);
        return;
      }
      if (this.#bytes + stat.size > this.#limits.maxFileBytes) throw this.#tooLarge();
      const data = new Uint8Array(stat.size);
      const { bytesRead } = await file.read(data, 0, stat.size, 0);
      this.#bytes += bytesRead;
      this.files.push([path, data.subarray(0, bytesRead)]);
    } finally {
      await file.close();
    }
  }

  #tooMany(): SkillError {
    return new SkillError(
      "limit_exceeded",
      `the skill left too many files in out/, the limit is ${this.#limits.maxFiles}`,
      { details: { limit: "files_out" } },
    );
  }

  #tooLarge(): SkillError {
    return new SkillError(
      "limit_exceeded",
      `the files that the skill left in out/ are larger than the limit of ${this.#limits.maxFileBytes} bytes`,
      { details: { limit: "files_out" } },
    );
  }
}

async function list(folder: PinnedFolder): Promise<Dirent[]> {
  if (lstatSync(folder.at(".")).size > MAX_FOLDER_BYTES) {
    throw new SkillError("limit_exceeded", "the skill left thousands of files in out/", {
      details: { limit: "files_out" },
    });
  }
  return await readdir(folder.at(), { withFileTypes: true });
}

async function clear(folder: PinnedFolder, budget: { left: number }): Promise<boolean> {
  for (const entry of await list(folder)) {
    if (budget.left-- <= 0) return false;
    const path = folder.at(entry.name);
    if (entry.isDirectory()) {
      if (!await withFolder(path, (inner) => clear(inner, budget))) return false;
      await rmdir(path);
    } else await unlink(path);
  }
  return true;
}
