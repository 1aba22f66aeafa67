import { Buffer } from "node:buffer";
import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import type { FileDetails, FileStorage, ListFilesFilter } from "vectra";
import { writeFileAtomic } from "../base/atomic-file.ts";

/**
 * File storage for vectra that holds writes back until `commit`, which makes each file appear whole or not at all.
 * So an index that is emptied and filled again reaches the disk as one change, and no reader sees it empty.
 */
export class StagedFileStorage implements FileStorage {
  readonly #staged = new Map<string, Buffer>();

  /** Writes what was staged, durably. */
  async commit(): Promise<void> {
    for (const [path, bytes] of this.#staged) await writeFileAtomic(path, bytes);
    this.#staged.clear();
  }

  async createFile(path: string, content: Buffer | string): Promise<void> {
    if (await this.pathExists(path)) throw new Error(`Cannot create "${path}": it exists`);
    await this.upsertFile(path, content);
  }

  upsertFile(path: string, content: Buffer | string): Promise<void> {
    this.#staged.set(path, Buffer.from(content));
    return Promise.resolve();
  }

  async readFile(path: string): Promise<Buffer> {
    return this.#staged.get(path) ?? await readFile(path);
  }

  async pathExists(path: string): Promise<boolean> {
    return this.#staged.has(path) || await stat(path).then(() => true, () => false);
  }

  async createFolder(path: string): Promise<void> {
    await mkdir(path, { recursive: true, mode: 0o700 });
  }

  async deleteFile(path: string): Promise<void> {
    this.#staged.delete(path);
    await rm(path, { force: true });
  }

  async deleteFolder(path: string): Promise<void> {
    for (const staged of this.#staged.keys()) if (staged.startsWith(`${path}/`)) this.#staged.delete(staged);
    await rm(path, { recursive: true, force: true });
  }

  async getDetails(path: string): Promise<FileDetails> {
    const isFolder = !this.#staged.has(path) && (await stat(path)).isDirectory();
    return { name: basename(path), path, isFolder };
  }

  async listFiles(folder: string, filter: ListFilesFilter = "all"): Promise<FileDetails[]> {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries
      .map((entry) => ({ name: entry.name, path: join(folder, entry.name), isFolder: entry.isDirectory() }))
      .filter(({ isFolder }) => filter === "all" || isFolder === (filter === "folders"));
  }
}
