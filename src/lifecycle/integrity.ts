import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { digestTree } from "../base/digest.ts";
import { SkillError } from "../base/errors.ts";

/**
 * Makes sure that a skill's sources are those that were installed. Bytes are read again only when size, time or inode
 * of a file changed since they were last found right.
 */
export class Integrity {
  readonly #sound = new Map<string, string>();

  /** @throws {SkillError} `tampered` */
  async requireSource(id: string, source: string, digest: string): Promise<void> {
    const looks = await fingerprint(source);
    const key = `${source}\0${digest}`;
    if (looks !== undefined && this.#sound.get(key) === looks) return;
    const found = looks === undefined ? undefined : await digestTree(source);
    if (found !== digest || looks === undefined) {
      this.#sound.delete(key);
      throw new SkillError("tampered", `the files of "${id}" are not those that were installed`, {
        fix: "install the skill again, or roll back",
        details: { id, expected: digest, found: found ?? null },
      });
    }
    this.#sound.set(key, looks);
  }
}

/** Sizes, times and inodes of everything below a folder; undefined when it can't be read. */
async function fingerprint(folder: string): Promise<string | undefined> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const lines = await Promise.all(entries.map(async (entry) => {
      const path = join(entry.parentPath, entry.name);
      const { size, mtimeMs, ctimeMs, ino, mode } = await lstat(path);
      return `${path}\0${size}\0${mtimeMs}\0${ctimeMs}\0${ino}\0${mode}`;
    }));
    return lines.sort().join("\n");
  } catch {
    return undefined;
  }
}
