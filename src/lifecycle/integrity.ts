import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { digestTreeFiles } from "../base/digest.ts";
import { SkillError } from "../base/errors.ts";

/**
 * Makes sure that a skill's sources are those that were installed. Bytes are read again only when size, time or inode
 * of a file changed since they were last found right.
 */
export class Integrity {
  readonly #sound = new Map<string, { readonly looks: string; readonly python: Digests }>();

  /**
   * The answer is the digest of each Python file, by path: what runs later must still have it.
   *
   * @throws {SkillError} `tampered`
   */
  async requireSource(id: string, source: string, digest: string): Promise<Digests> {
    const looks = await fingerprint(source);
    const key = `${source}\0${digest}`;
    const known = this.#sound.get(key);
    if (looks !== undefined && known?.looks === looks) return known.python;
    const found = looks === undefined ? undefined : await digestTreeFiles(source);
    if (found?.digest !== digest || looks === undefined) {
      this.#sound.delete(key);
      throw new SkillError("tampered", `the files of "${id}" are not those that were installed`, {
        fix: "install the skill again, or roll back",
        details: { id, expected: digest, found: found?.digest ?? null },
      });
    }
    const python = Object.fromEntries(Object.entries(found.files).filter(([path]) => path.endsWith(".py")));
    this.#sound.set(key, { looks, python });
    return python;
  }
}

type Digests = Readonly<Record<string, string>>;

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
