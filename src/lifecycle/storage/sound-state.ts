import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { SkillError } from "../../base/errors.ts";
import { isUnprepared } from "./home-db.ts";
import type { HomeLayout } from "./home-layout.ts";

const OTHERS_WRITE = 0o002;
/** A database that has got more than its header is no longer about to be made. */
const FIRST_PAGE = 4096;

/**
 * Whether the home has its database, before it is opened. One that is a link, that everybody may write, or that is gone
 * or empty although skills are installed, is refused: what is opened then is somebody else's, or silently a new one.
 *
 * @throws {SkillError} `home_unusable`
 */
export async function hasSoundDatabase({ db, dir, state, runtimes }: HomeLayout): Promise<boolean> {
  const found = await lstat(db).catch(() => undefined);
  if (found === undefined || found.size === 0) {
    if (await isEmptyFolder(runtimes)) return found !== undefined;
    throw new SkillError("home_unusable", `"${db}" is gone or empty, but skills are installed in "${dir}"`, {
      fix: "put a backup of home.db in its place, or choose another home",
    });
  }
  if (!found.isFile()) {
    throw new SkillError("home_unusable", `"${db}" is no plain file`, {
      fix: "put the database itself there",
    });
  }
  const folder = await lstat(state);
  for (const [path, { mode }] of [[db, found], [state, folder]] as const) {
    if ((mode & OTHERS_WRITE) === 0 || process.platform === "win32") continue;
    throw new SkillError("home_unusable", `everybody on this machine may write to "${path}"`, {
      fix: `look at what the home holds, then: chmod o-w "${path}"`,
    });
  }
  return true;
}

/**
 * Whether nothing is there but what a process left that was killed while it made a home: no skill, no setting, nothing
 * that anybody else could have meant to be found.
 */
export async function isHalfMade({ db, dir, state }: HomeLayout): Promise<boolean> {
  const found = await lstat(db).catch(() => undefined);
  if (found !== undefined && (found.size > FIRST_PAGE || !found.isFile() || !isUnprepared(db))) return false;
  const around = await readdir(dir), inside = await readdir(state).catch(() => []);
  return around.every((name) => join(dir, name) === state) &&
    inside.every((name) => join(state, name).startsWith(db));
}

async function isEmptyFolder(path: string): Promise<boolean> {
  return await readdir(path).then((names) => names.length === 0, () => true);
}
