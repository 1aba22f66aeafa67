import { lstatSync, readdirSync } from "node:fs";
import { cp, mkdir, open, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { syncFolder } from "../../base/atomic-file.ts";
import { SkillError } from "../../base/errors.ts";
import type { HomeDb } from "../home-db.ts";
import type { HomeLayout } from "../home-layout.ts";
import { isClaimed } from "../leases.ts";
import type { Staging } from "../staging.ts";
import { readState } from "./state-rows.ts";

const NOTE = "state.json";

/**
 * The folders in which skills keep what they keep between runs. A note in staging names each folder that is about to
 * come or go, so that one which nothing points at is found again after a kill and removed.
 */
export class StateFolders {
  readonly #layout: HomeLayout;
  readonly #staging: Staging;
  readonly #db: Pick<HomeDb, "sql">;

  constructor(layout: HomeLayout, staging: Staging, db: Pick<HomeDb, "sql">) {
    this.#layout = layout;
    this.#staging = staging;
    this.#db = db;
  }

  /** Runs `change` with a fresh folder name; afterwards what nothing points at of that and of `old` is gone. */
  async replace<T>(
    id: string,
    schemaVersion: number,
    old: readonly string[],
    change: (folder: string) => Promise<T>,
  ): Promise<T> {
    const folder = `${schemaVersion}-${crypto.randomUUID().slice(0, 8)}`;
    const note = await this.#staging.temporary();
    await writeFile(join(note, NOTE), JSON.stringify({ id, folders: [folder, ...old] }));
    try {
      return await change(folder);
    } finally {
      await this.#settle(note);
    }
  }

  /** Settles what dead processes were changing. */
  async collect(): Promise<void> {
    for (const name of await readdir(this.#layout.staging).catch(() => [])) {
      const path = join(this.#layout.staging, name);
      if (!await isClaimed(path)) await this.#settle(path);
    }
  }

  async #settle(note: string): Promise<void> {
    const text = await readFile(join(note, NOTE), "utf8").catch(() => undefined);
    if (text === undefined) return;
    const { id, folders } = readNote(text);
    const used = readState(this.#db.sql, id).map((row) => row.folder);
    for (const folder of folders.filter((one) => !used.includes(one))) {
      await rm(this.#layout.data(id, folder), { recursive: true, force: true, maxRetries: 3 });
    }
    await rm(note, { recursive: true, force: true });
  }
}

/** Makes an empty folder, for this user only. */
export async function makeStateFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  await syncFolder(join(path, ".."));
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
    await file.sync().finally(() => file.close());
  }
  const folders = entries.filter((one) => one.isDirectory()).map((one) => join(one.parentPath, one.name));
  for (const one of [...folders, folder, join(folder, "..")]) await syncFolder(one);
}

/** A note cut short by a kill names nothing: then nothing was begun. */
function readNote(text: string): { readonly id: string; readonly folders: readonly string[] } {
  const [, id = "", list = ""] =
    /^\{"id":"([a-z][a-z0-9_-]{0,63})","folders":\[("\d+-[0-9a-f]{8}"(?:,"\d+-[0-9a-f]{8}")*)\]\}$/.exec(
      text,
    ) ?? [];
  return id === "" ? { id, folders: [] } : { id, folders: JSON.parse(`[${list}]`) as string[] };
}
