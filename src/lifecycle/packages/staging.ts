import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { makeFolder } from "../../base/atomic-file.ts";
import { digestFiles } from "../../base/digest.ts";
import { SkillError } from "../../base/errors.ts";
import { type PackageFile, readPackageFiles } from "../../manifest/package-files.ts";
import type { HomeLayout } from "../storage/home-layout.ts";
import { claimFolder, isClaimed, ownedName, releaseFolder, trashName } from "../storage/leases.ts";
import { writePackageFiles } from "./source-folder.ts";

/** A package in staging. */
export interface StagedPackage {
  /** The digest of its files: the same files give the same key. */
  readonly key: string;
  /** Folder of the package's files. */
  readonly dir: string;
  readonly digest: string;
}

/**
 * Where packages are prepared before anything is committed. Every folder in it belongs to living processes, or to
 * nobody: then it is a leftover and collected.
 */
export class Staging {
  readonly #layout: HomeLayout;

  constructor(layout: HomeLayout) {
    this.#layout = layout;
  }

  /** Writes a package into the folder of its digest; what is there already is taken when it is the same. */
  async stage(files: readonly PackageFile[]): Promise<StagedPackage> {
    const digest = digestFiles(files);
    const { dir, source } = this.#layout.staged(digest);
    const isStaged = async (): Promise<boolean> => await digestOf(source) === digest;
    for (let tries = 0; tries < 3; tries++) {
      if (!await isStaged()) {
        const fresh = await this.temporary();
        await writePackageFiles(join(fresh, "src"), files, { durable: false });
        await claimFolder(fresh);
        await this.moveTo(fresh, dir, isStaged);
      }
      await claimFolder(dir);
      // Another process may have given it up just before it was claimed.
      if (await isStaged()) return { key: digest, dir: source, digest };
    }
    throw new SkillError("conflict", "the package keeps being discarded by another process", {
      fix: "try again",
    });
  }

  /** The files of a staged package. @throws {SkillError} `not_found`; `tampered` when they are not those that were staged */
  async files(key: string): Promise<readonly PackageFile[]> {
    const source = this.#source(key);
    const files = await readPackageFiles(source);
    if (digestFiles(files) === key) return files;
    throw new SkillError("tampered", `the staged package "${key.slice(0, 12)}" was changed`, {
      fix: "stage it again",
    });
  }

  /** An empty folder of this process alone. */
  async temporary(): Promise<string> {
    const path = join(this.#layout.staging, await ownedName());
    await mkdir(path, { recursive: true, mode: 0o700 });
    return path;
  }

  /**
   * Moves a finished folder to its place in one step. When another process was faster and `isSound` says that its
   * folder is good, that one stays; a damaged one gives way.
   */
  async moveTo(fresh: string, place: string, isSound: () => Promise<boolean>): Promise<void> {
    for (let tries = 0; tries < 3; tries++) {
      try {
        return await rename(fresh, place);
      } catch (error) {
        const { code = "" } = error as NodeJS.ErrnoException;
        // somebody else moved this very folder: one staged build, installed twice at the same time
        if (code === "ENOENT" && await isSound()) return;
        // or it removed the folder around the place, which was empty
        if (code === "ENOENT") await makeFolder(dirname(place));
        else if (!["ENOTEMPTY", "EEXIST", "ENOTDIR"].includes(code)) throw error;
      }
      if (await isSound()) return await rm(fresh, { recursive: true, force: true });
      await this.#throwAway(place);
    }
    throw new SkillError("conflict", `"${place}" keeps being written by another process`, {
      fix: "try again",
    });
  }

  /** Gives a staged package up; it goes when nobody else uses it. */
  async discard(key: string): Promise<void> {
    if (!isKey(key)) return;
    const { dir } = this.#layout.staged(key);
    if (await releaseFolder(dir)) await this.#throwAway(dir);
  }

  /** Removes a folder of this process. What fails is left to who collects: nothing that was done is undone for it. */
  async forget(path: string): Promise<void> {
    await this.#throwAway(path).catch(() => rm(path, { recursive: true, force: true })).catch(() => {});
  }

  /** Removes what dead processes left. The answer is what went. */
  async collect(): Promise<readonly string[]> {
    const gone: string[] = [];
    for await (const path of this.leftovers()) {
      await rm(path, { recursive: true, force: true });
      gone.push(basename(path));
    }
    return gone;
  }

  /** Paths in it that no living process uses, each looked at just before it is given out. */
  async *leftovers(): AsyncGenerator<string> {
    for (const name of await readdir(this.#layout.staging).catch(() => [])) {
      const path = join(this.#layout.staging, name);
      if (!await isClaimed(path)) yield path;
    }
  }

  #source(key: string): string {
    if (isKey(key)) return this.#layout.staged(key).source;
    throw new SkillError("not_found", `nothing is staged as ${JSON.stringify(key.slice(0, 80))}`);
  }

  /** Removes a folder so that nobody ever sees a part of it. */
  async #throwAway(path: string): Promise<void> {
    const away = join(this.#layout.staging, trashName());
    await rename(path, away).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
    });
    await rm(away, { recursive: true, force: true });
  }
}

function isKey(key: string): boolean {
  return /^[0-9a-f]{64}$/.test(key);
}

async function digestOf(folder: string): Promise<string | undefined> {
  return await readPackageFiles(folder).then(digestFiles, () => undefined);
}
