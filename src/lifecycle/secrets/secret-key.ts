import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { syncFolderSync } from "../../base/atomic-file.ts";
import { SkillError } from "../../base/errors.ts";
import { ownTemporary, removeLeftBeside } from "../../base/own-temporary.ts";
import { userConfigFolder } from "../storage/user-config.ts";
import { KEY_BYTES, type SealKey } from "./seal.ts";

/** Where the key for stored secrets is. */
export function secretKeyPath(env: Readonly<Record<string, string | undefined>> = process.env): string {
  return join(userConfigFolder(env), "secrets.key");
}

/**
 * The key that this user's stored secrets are sealed with: 32 random bytes in a file of the user's own settings, so
 * that a copy of a home holds no readable secret. It does not protect from programs that run as the same user outside
 * a sandbox.
 */
export class SecretKey implements SealKey {
  readonly #path: string;
  #bytes: Uint8Array | undefined;
  #swept = false;

  constructor(path: string = secretKeyPath()) {
    this.#path = path;
  }

  /** Where it is kept, for people. */
  get path(): string {
    return this.#path;
  }

  /** The key, or undefined when there is none yet. @throws {SkillError} `secrets_unusable` */
  find(): Uint8Array | undefined {
    return this.#bytes ??= readKey(this.#path);
  }

  /** The key, made when there is none yet. Of two processes that make it at the same time both get the same. @throws {SkillError} `secrets_unusable` */
  findOrMake(): Uint8Array {
    const found = this.find();
    if (!this.#swept) removeLeftBeside(this.#path);
    this.#swept = true;
    if (found !== undefined) return found;
    makeKey(this.#path);
    const made = this.find();
    if (made !== undefined) return made;
    throw unusable(this.#path, "it vanished while it was made", "try again");
  }
}

function readKey(path: string): Uint8Array | undefined {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    throw unusable(
      path,
      code === "ELOOP" ? "it is a link" : (error as Error).message,
      "put the key file back",
    );
  }
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw unusable(path, "it is no plain file", "put the key file back");
    if (process.getuid !== undefined && stat.uid !== process.getuid()) {
      throw unusable(path, `it belongs to user ${stat.uid}`, "use a key file of your own");
    }
    if (process.platform !== "win32" && (stat.mode & 0o077) !== 0) {
      const mode = (stat.mode & 0o777).toString(8);
      throw unusable(
        path,
        `other users may read it (mode ${mode})`,
        `chmod 600 "${path}", and change the secrets`,
      );
    }
    if (stat.size > 1024) throw unusable(path, `it is ${stat.size} bytes long`, "put the key file back");
    const key = Buffer.from(readFileSync(file, "latin1").trim(), "base64");
    if (key.length === KEY_BYTES) return key;
    throw unusable(path, "it holds no key", "put the key file back from a backup");
  } finally {
    closeSync(file);
  }
}

/** The file appears as a whole, and only if there is none. */
function makeKey(path: string): void {
  const folder = dirname(path);
  const temporary = ownTemporary(path);
  try {
    const first = mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(temporary, `${randomBytes(KEY_BYTES).toString("base64")}\n`, {
      mode: 0o600,
      flag: "wx",
      flush: true,
    });
    linkSync(temporary, path);
    rmSync(temporary);
    // Secrets that are stored next must not survive a power cut that takes the key.
    for (let made = folder; made.length >= (first ?? folder).length; made = dirname(made)) {
      syncFolderSync(made);
    }
    if (first !== undefined) syncFolderSync(dirname(first));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return;
    throw unusable(path, (error as Error).message, "make its folder writable for you");
  } finally {
    forget(temporary);
  }
}

/** What can't be removed is no reason to fail: it is no key that anybody uses. */
function forget(temporary: string): void {
  try {
    rmSync(temporary, { force: true });
  } catch {
    // The next to look at the folder may.
  }
}

function unusable(path: string, reason: string, fix: string): SkillError {
  return new SkillError(
    "secrets_unusable",
    `the key for stored secrets, "${path}", cannot be used: ${reason}`,
    {
      fix,
      details: { path },
    },
  );
}
