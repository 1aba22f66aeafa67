import { randomBytes } from "node:crypto";
import { lstat, mkdir, readdir, realpath } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { SkillError } from "./errors.ts";
import { hasEnded, identityText, ownIdentity, readIdentity } from "./process-identity.ts";
import { removeTree } from "./remove-tree.ts";

/** How long one sweep may take; what is left is for the next host. */
const SWEEP_MS = 2_000;
/** How long it may take to remove the own folder at the end. */
const CLOSE_MS = 10_000;

/**
 * A folder for what one host process needs while it lives, below one folder for each user. Its name says whose it is,
 * so that the next host can remove what a killed one left; never what belongs to one that lives.
 */
export class HostFolder {
  readonly #parent: string;
  readonly #name = `${identityText(ownIdentity())}-${randomBytes(6).toString("hex")}`;
  #path: string | undefined;
  #sweeping: Promise<unknown> | undefined;

  /** @param parent default: the system's folder for temporary files */
  constructor(parent: string = tmpdir()) {
    this.#parent = parent;
  }

  /**
   * The folder's path, without links; it is made at the first call, which also begins to remove what dead hosts left.
   *
   * @throws {SkillError} `start_failed` when the user's folder is a link, somebody else's, or open to others
   */
  async path(): Promise<string> {
    const root = await userFolder(this.#parent);
    this.#path = join(root, this.#name);
    await mkdir(this.#path, { recursive: true, mode: 0o700 });
    this.#sweeping ??= sweep(root, performance.now() + SWEEP_MS);
    return this.#path;
  }

  /** Removes it with all that is in it. Never throws. */
  async close(): Promise<void> {
    await this.#sweeping;
    if (this.#path !== undefined) await removeTree(this.#path, performance.now() + CLOSE_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** The folder of this user below `parent`, made if need be and looked at each time: temporary folders get cleaned. */
async function userFolder(parent: string): Promise<string> {
  const uid = userInfo().uid;
  const path = join(await realpath(parent), `skillwright-${uid < 0 ? "user" : uid}`);
  await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw refusal(path, `cannot be made: ${error.message}`);
  });
  const stat = await lstat(path);
  if (!stat.isDirectory()) throw refusal(path, `is ${stat.isSymbolicLink() ? "a link" : "no folder"}`);
  if (process.platform === "win32") return path;
  if (stat.uid !== uid) throw refusal(path, `belongs to user ${stat.uid}, not to ${uid}`);
  if ((stat.mode & 0o022) !== 0) {
    throw refusal(path, `can be written by others, its mode is ${(stat.mode & 0o777).toString(8)}`);
  }
  return path;
}

/** Removes the folders of hosts that have ended. */
async function sweep(root: string, end: number): Promise<void> {
  for (const name of await readdir(root).catch(() => [])) {
    if (performance.now() > end) return;
    const host = readIdentity(name);
    if (host !== undefined && hasEnded(host)) await removeTree(join(root, name), end);
  }
}

function refusal(path: string, found: string): SkillError {
  return new SkillError("start_failed", `the folder for running programs "${path}" ${found}`, {
    fix: "remove it, or set TMPDIR to a folder of your own",
    details: { path },
  });
}
