import { chmod, readFile, realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import process from "node:process";
import { makeFolder, writeFileAtomic } from "../../base/atomic-file.ts";
import { SkillError } from "../../base/errors.ts";
import { isObject, parseJson } from "../../base/json.ts";
import { ownTemporary, removeLeftBeside } from "../../base/own-temporary.ts";
import { HomeDb } from "./home-db.ts";
import { homeLayout } from "./home-layout.ts";
import { userConfigFolder } from "./user-config.ts";

/** Homes by their real paths. */
interface TrustedList {
  readonly version: 1;
  readonly homes: Readonly<Record<string, { readonly home_id: string }>>;
}

/** The user's own list of homes that they made or trusted. It is not in any home, so no home can add itself. */
export function trustedListPath(env: Readonly<Record<string, string | undefined>> = process.env): string {
  return join(userConfigFolder(env), "trusted.json");
}

/** Whether this user made or trusted the home at `dir` with this id. A copy at another place, or another home at this place, is not it. */
export async function isTrusted(
  dir: string,
  homeId: string,
  listPath: string = trustedListPath(),
): Promise<boolean> {
  const { homes } = await readList(listPath);
  return homes[await realpath(dir)]?.home_id === homeId;
}

/** Notes that this user made or trusts the home. */
export async function noteTrust(
  dir: string,
  homeId: string,
  listPath: string = trustedListPath(),
): Promise<void> {
  const list = await readList(listPath);
  const next: TrustedList = {
    version: 1,
    homes: { ...list.homes, [await realpath(dir)]: { home_id: homeId } },
  };
  await makeFolder(dirname(listPath), { mode: 0o700 });
  removeLeftBeside(listPath);
  await writeFileAtomic(listPath, `${JSON.stringify(next, null, 2)}\n`, {
    temporary: ownTemporary(listPath),
  });
  await chmod(listPath, 0o600);
}

/**
 * Trusts a home that was found: from now on its statuses and settings count. Only a person may decide this.
 *
 * @throws {SkillError} `home_unusable`
 */
export async function trustHome(dir: string, listPath: string = trustedListPath()): Promise<void> {
  const db = await HomeDb.open(homeLayout(dir).db, { readOnly: true });
  try {
    await noteTrust(dir, db.homeId, listPath);
  } finally {
    await db.close();
  }
}

/** The error for what an untrusted home does not do. */
export function untrustedHome(dir: string): SkillError {
  return new SkillError("untrusted_home", `the home "${dir}" was found here and not made or trusted by you`, {
    fix: "look at what is in it, then run: skillwright trust",
    details: { dir },
  });
}

async function readList(path: string): Promise<TrustedList> {
  let text: Uint8Array;
  try {
    text = await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { version: 1, homes: {} };
    throw SkillError.from(error, "home_unusable", `"${path}" cannot be read`);
  }
  const list = parseJson(text, `"${path}"`, { code: "home_unusable" });
  if (isTrustedList(list)) return list;
  throw new SkillError("home_unusable", `"${path}" is not a list of trusted homes`, {
    fix: "delete it and trust your homes again",
  });
}

/** By hand: every command reads the list, and a library that checks it takes longer to load than all else. */
function isTrustedList(list: unknown): list is TrustedList {
  return isObject(list) && list["version"] === 1 && hasOnly(list, "version", "homes") &&
    isObject(list["homes"]) &&
    Object.values(list["homes"]).every((home) =>
      isObject(home) && typeof home["home_id"] === "string" && hasOnly(home, "home_id")
    );
}

function hasOnly(record: object, ...keys: readonly string[]): boolean {
  return Object.keys(record).every((key) => keys.includes(key));
}
