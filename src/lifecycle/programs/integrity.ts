import { lstat, readdir } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { digestTree, digestTreeFiles } from "../../base/digest.ts";
import { SkillError } from "../../base/errors.ts";
import { looksOf } from "../../environment/install/looks.ts";
import type { EnvironmentRecord } from "../../environment/types.ts";

/**
 * Makes sure that a skill's sources and packages are those that were installed. Bytes are read again only when size, time or inode
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

  /**
   * The same for an installed environment. Its files are links to those of the package cache: who writes to one there,
   * or in another skill's environment, changes them here.
   *
   * @throws {SkillError} `tampered`
   */
  async requireEnvironment(id: string, build: string, environment: EnvironmentRecord): Promise<void> {
    const { digest, interpreter, looks } = environment;
    if (digest === null) return;
    const folder = join(build, isAbsolute(interpreter) ? "env" : "venv");
    const now = await looksOf(folder);
    if (now !== undefined && (now === looks || this.#sound.get(folder)?.looks === now)) return;
    const found = await digestTree(folder).catch(() => null);
    if (found !== digest || now === undefined) {
      throw new SkillError("tampered", `the packages of "${id}" are not those that were installed`, {
        fix: "install the skill again; if it stays, delete the package cache",
        details: { id, expected: digest, found },
      });
    }
    this.#sound.set(folder, { looks: now, python: {} });
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
