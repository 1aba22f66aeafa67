import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { sha256 } from "../../src/base/digest.ts";

/** Everything that a home holds, by table or path, such that equal states give equal texts. */
export type HomeState = ReadonlyMap<string, string>;

/** Times, durations, and what is random: they differ between two runs of the same thing. */
const VOLATILE: ReadonlySet<string> = new Set([
  "activated",
  "added_at",
  "at",
  "created_at",
  "home_id",
  "installed_at",
  "logs",
  "ms",
  "sealed",
  "updated_at",
]);
/** Files that may be lost, or tell of times only. */
const NOT_STATE = /^\.state\/history\.db|^\.state\/home\.db|\/slots\/[AB]\/logs\/[^/]+$/;
const EARLY = /^(?:\.state\/snapshots|settings\/)/;
/** JSON whose times are left out before it is compared. */
const WITH_TIMES = /(?:python_registry|meta|secrets)\.json$/;

/** Reads the state of a home that nobody has open, and of the user's settings. */
export function homeState({ home, config }: { readonly home: string; readonly config: string }): HomeState {
  const settings = [...files(config, "")].map(([path, text]) => {
    // the note of a trusted home is named after its place
    const name = path.replace(/^(skillwright\/trusted)\/%2F.*/, "$1/<home>");
    return [`settings/${name}`, text] as const;
  });
  return new Map([...tables(home), ...files(home, ""), ...settings]);
}

/**
 * Where two states differ. What is made before a commit to be found again by the next try, as it is in `allowed`, does
 * not count: a snapshot, the key for secrets, the trust in a home.
 */
export function differences(found: HomeState, wanted: HomeState, allowed: HomeState): readonly string[] {
  const keys = new Set([...found.keys(), ...wanted.keys()]);
  return [...keys].filter((key) => {
    if (found.get(key) === wanted.get(key)) return false;
    return !(EARLY.test(key) && !wanted.has(key) && found.get(key) === allowed.get(key));
  }).map((key) => `${key}: ${shown(found.get(key))} instead of ${shown(wanted.get(key))}`);
}

function shown(text: string | undefined): string {
  return text === undefined ? "nothing" : text.length > 300 ? `${text.slice(0, 300)}…` : text;
}

function tables(dir: string): readonly (readonly [string, string])[] {
  const db = new DatabaseSync(join(dir, ".state/home.db"), { readOnly: true });
  try {
    const names = db.prepare("select name from sqlite_master where type = 'table' order by name").all();
    return names.map((row) => {
      const name = String(row["name"]);
      const rows = db.prepare(`select * from ${name}`).all().map((one) => plain(one, dir));
      return [`table ${name}`, rows.map((one) => JSON.stringify(one)).sort().join("\n")];
    });
  } finally {
    db.close();
  }
}

function* files(dir: string, folder: string): Generator<readonly [string, string]> {
  const names = existsSync(dir) ? readdirSync(join(dir, folder)) : [];
  for (const name of names.sort()) {
    const path = folder === "" ? name : `${folder}/${name}`;
    if (NOT_STATE.test(path)) continue;
    const stat = lstatSync(join(dir, path));
    const mode = (stat.mode & 0o777).toString(8);
    if (stat.isSymbolicLink()) yield [path, `link to ${readlinkSync(join(dir, path))}`];
    else if (stat.isDirectory()) {
      yield [path, `folder ${mode}`];
      yield* files(dir, path);
    } else yield [path, `file ${mode} ${content(dir, path)}`];
  }
}

function content(dir: string, path: string): string {
  if (path.endsWith("secrets.key")) return "a key";
  if (path.startsWith("skillwright/trusted/")) return "a trusted home";
  const bytes = readFileSync(join(dir, path));
  if (!WITH_TIMES.test(path)) return sha256(bytes);
  const known = plain(JSON.parse(bytes.toString("utf8")) as unknown, dir);
  return JSON.stringify(known);
}

/** A value without what differs from run to run; JSON in texts too. */
function plain(value: unknown, dir: string): unknown {
  if (typeof value === "string") return text(value, dir);
  if (Array.isArray(value)) return value.map((one) => plain(one, dir));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, one]) => [
    key,
    VOLATILE.has(key)
      ? (one === null ? null : "set")
      : key === "secrets"
      ? Object.keys(one as object)
      : plain(one, dir),
  ]);
  return Object.fromEntries(entries);
}

function text(value: string, dir: string): unknown {
  const moved = value.replaceAll(dir, "<home>");
  if (!/^[[{]/.test(moved)) return moved;
  try {
    return plain(JSON.parse(moved) as unknown, dir);
  } catch {
    return moved;
  }
}
