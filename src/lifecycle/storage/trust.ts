import { Buffer } from "node:buffer";
import { readFile, realpath } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { makeFolder, writeFileAtomic } from "../../base/atomic-file.ts";
import { SkillError } from "../../base/errors.ts";
import { isObject, parseJson } from "../../base/json.ts";
import { ownTemporary, removeLeftBeside } from "../../base/own-temporary.ts";
import { shellWord } from "../../base/shell-word.ts";
import { HomeDb } from "./home-db.ts";
import { homeLayout } from "./home-layout.ts";
import { userConfigFolder } from "./user-config.ts";

/** What is noted of one home. */
interface TrustNote {
  readonly version: 1;
  /** Its real path. */
  readonly dir: string;
  readonly home_id: string;
}

/**
 * Where it is noted which homes this user made or trusted, a file each, so that no process rewrites what another one
 * noted. It is not in any home, so no home can add itself.
 */
export function trustFolder(env: Readonly<Record<string, string | undefined>> = process.env): string {
  return join(userConfigFolder(env), "trusted");
}

/** Whether this user made or trusted the home at `dir` with this id. A copy at another place, or another home at this place, is not it. */
export async function isTrusted(
  dir: string,
  homeId: string,
  folder: string = trustFolder(),
): Promise<boolean> {
  const place = await realpath(dir);
  const note = await readNote(join(folder, await fileNameOf(place)));
  return note?.dir === place && note.home_id === homeId;
}

/** Notes that this user made or trusts the home. */
export async function noteTrust(
  dir: string,
  homeId: string,
  folder: string = trustFolder(),
): Promise<void> {
  const place = await realpath(dir);
  const note: TrustNote = { version: 1, dir: place, home_id: homeId };
  const unfinished = join(folder, "home");
  await makeFolder(folder, { mode: 0o700 });
  removeLeftBeside(unfinished);
  await writeFileAtomic(join(folder, await fileNameOf(place)), `${JSON.stringify(note)}\n`, {
    temporary: ownTemporary(unfinished),
  });
}

/**
 * Trusts a home that was found: from now on its statuses and settings count. Only a person may decide this.
 *
 * @throws {SkillError} `home_unusable`
 */
export async function trustHome(dir: string, folder: string = trustFolder()): Promise<void> {
  const db = await HomeDb.open(homeLayout(dir).db, { readOnly: true });
  try {
    await noteTrust(dir, db.homeId, folder);
  } finally {
    await db.close();
  }
}

/** The error for what an untrusted home does not do. */
export function untrustedHome(dir: string): SkillError {
  return new SkillError("untrusted_home", `the home "${dir}" was found here and not made or trusted by you`, {
    fix: `look at what is in it, then run: skillwright trust ${shellWord(dir)}`,
    details: { dir },
  });
}

/** Bytes of a file's name: what most file systems take, and what "ls" shows well. */
const LONGEST_NAME = 200;

/** One name for each place. It can be read, unless it would be too long: then it is a digest, which no path looks like. */
async function fileNameOf(place: string): Promise<string> {
  const name = place.replaceAll("%", "%25").replaceAll("/", "%2F");
  if (Buffer.byteLength(name) <= LONGEST_NAME) return name;
  const digest = await crypto.subtle.digest("SHA-256", Buffer.from(place));
  return Buffer.from(digest).toString("hex");
}

async function readNote(path: string): Promise<TrustNote | undefined> {
  let text: Uint8Array;
  try {
    text = await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw SkillError.from(error, "home_unusable", `"${path}" cannot be read`);
  }
  const note = parseJson(text, `"${path}"`, { code: "home_unusable" });
  if (isTrustNote(note)) return note;
  throw new SkillError("home_unusable", `"${path}" does not tell of a trusted home`, {
    fix: "delete it and trust the home again",
  });
}

/** By hand: every command reads a note, and a library that checks it takes longer to load than all else. */
function isTrustNote(note: unknown): note is TrustNote {
  return isObject(note) && note["version"] === 1 && typeof note["dir"] === "string" &&
    typeof note["home_id"] === "string";
}
