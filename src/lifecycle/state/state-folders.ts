import { lstatSync, readdirSync, renameSync, rmSync } from "node:fs";
import { cp, open, readdir, readFile, rm, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeFolder, syncFolder, syncFolderSync, writeFileAtomic } from "../../base/atomic-file.ts";
import { SkillError } from "../../base/errors.ts";
import type { Staging } from "../packages/staging.ts";
import type { HomeDb, HomeTransaction } from "../storage/home-db.ts";
import type { HomeLayout } from "../storage/home-layout.ts";
import { readState } from "./state-rows.ts";

const NOTE = "state.json";

/**
 * The folders in which skills keep what they keep between runs, named by schema and transaction. One is made in staging
 * and moved to its place in the transaction that points at it; a note in staging names the skill meanwhile, so that a
 * folder which nothing points at is found again after a kill and removed.
 */
export class StateFolders {
  readonly #layout: HomeLayout;
  readonly #staging: Staging;
  readonly #db: HomeDb;

  constructor(layout: HomeLayout, staging: Staging, db: HomeDb) {
    this.#layout = layout;
    this.#staging = staging;
    this.#db = db;
  }

  /** Runs `change` with the path of a folder that is to be made; afterwards what nothing points at is gone. */
  async change<T>(id: string, change: (room: string) => Promise<T>): Promise<T> {
    const note = await this.#staging.temporary();
    await writeFileAtomic(join(note, NOTE), JSON.stringify({ id }));
    await syncFolder(dirname(note));
    try {
      await makeFolder(dirname(this.#layout.data(id, "x")), { mode: 0o700 });
      return await change(join(note, "state"));
    } finally {
      await this.#settle(note);
    }
  }

  /** Moves what was made to its place, inside the transaction that will point at it. The answer is its name. */
  place(tx: HomeTransaction, id: string, schemaVersion: number, room: string): string {
    const folder = `${schemaVersion}-${tx.revision}`;
    const place = this.#layout.data(id, folder);
    rmSync(place, { recursive: true, force: true });
    renameSync(room, place);
    syncFolderSync(dirname(place));
    return folder;
  }

  /** Settles what dead processes were changing. */
  async collect(): Promise<void> {
    for await (const path of this.#staging.leftovers()) await this.#settle(path);
  }

  /** A note cut short by a kill names nothing: then nothing was begun. */
  async #settle(note: string): Promise<void> {
    const text = await readFile(join(note, NOTE), "utf8").catch(() => "");
    const [, id] = /^\{"id":"([a-z][a-z0-9_-]{0,63})"\}$/.exec(text) ?? [];
    if (id === undefined) return;
    await this.#db.alone(() => this.#sweep(id));
    await rm(note, { recursive: true, force: true, maxRetries: 3 });
  }

  /** No other process is about to point at a folder: it would do that in a transaction. */
  async #sweep(id: string): Promise<void> {
    const used = readState(this.#db.sql, id).map(({ folder }) => folder);
    const all = dirname(this.#layout.data(id, "x"));
    for (const name of await readdir(all).catch(() => [])) {
      if (!used.includes(name)) await rm(join(all, name), { recursive: true, force: true, maxRetries: 3 });
    }
    for (const folder of [all, dirname(all)]) await rmdir(folder).catch(() => {});
  }
}

/** Copies a folder as it is, links as links; what is at `to` goes. False when it changed meanwhile. @throws {SkillError} `home_unusable` */
export async function copyState(from: string, to: string, looks: string): Promise<boolean> {
  await rm(to, { recursive: true, force: true, maxRetries: 3 });
  try {
    await cp(from, to, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  } catch (error) {
    if (stateLooks(from) !== looks) return false;
    throw SkillError.from(error, "home_unusable", "what the skill keeps cannot be copied");
  }
  return stateLooks(from) === looks;
}

/** Names, sizes, times and inodes of everything below a folder. Does not wait: it is asked inside a transaction. */
export function stateLooks(folder: string): string {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const lines = entries.map((entry) => {
    const path = join(entry.parentPath, entry.name);
    const looks = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    return `${path}\0${looks?.size}\0${looks?.mtimeNs}\0${looks?.ctimeNs}\0${looks?.ino}\0${looks?.mode}`;
  });
  return lines.sort().join("\n");
}

/** Makes all files below a folder survive a power cut. */
export async function syncState(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((one) => one.isFile())) {
    const file = await open(join(entry.parentPath, entry.name), "r");
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  }
  const folders = entries.filter((one) => one.isDirectory()).map((one) => join(one.parentPath, one.name));
  for (const one of [...folders, folder]) await syncFolder(one);
}
