import { lstat, mkdir } from "node:fs/promises";
import { z } from "zod";
import { writeFileAtomic } from "../../base/atomic-file.ts";
import { SkillError } from "../../base/errors.ts";
import { parseJson } from "../../base/json.ts";
import { readPlainFile } from "../../manifest/package-files.ts";
import { SKILL_ID } from "../../manifest/skill-id.ts";
import { SKILL_STATUSES } from "../records/status.ts";
import { homeLayout } from "../storage/home-layout.ts";
import type { SkillStatus } from "../types.ts";
import type { PythonSkillRecord } from "./skill-projection.ts";

/** Holds some 100,000 skills. */
const MOST_BYTES = 64 << 20;
/** Document, list, record. */
const MOST_DEPTH = 3;

const text = z.string().max(16_384);
const time = z.int().nonnegative();
/** Relative, inside the folder of the registry. */
const path = text.min(1).refine(
  (given) => !/^[/\\]|^[a-z]:|(?:^|[/\\])\.\.(?:[/\\]|$)|\0/i.test(given),
  "must be a relative path that stays in the home",
);

const record: z.ZodType<PythonSkillRecord> = z.object({
  id: z.string().regex(SKILL_ID),
  name: text,
  version: text.min(1),
  status: z.enum(SKILL_STATUSES),
  script_path: path,
  work_dir: path,
  last_known_good_snapshot: path.nullable(),
  last_error: text.nullable(),
  installed_at: time,
  updated_at: time,
});

const document = z.object({ skills: z.array(z.unknown()) });

/**
 * Records of skills by id, as the paper's `python_registry.json` holds them: a value of its own, no home behind it.
 * Records are not changed in place; `upsert` puts another one there.
 */
export class PythonSkillRegistry {
  readonly #records = new Map<string, PythonSkillRecord>();

  /** @throws {SkillError} `invalid_input` for a record that does not fit */
  constructor(records: Iterable<PythonSkillRecord> = []) {
    for (const one of records) this.upsert(one);
  }

  /** All records, in the order of their ids. */
  get records(): readonly PythonSkillRecord[] {
    return [...this.#records.values()].sort((one, other) => (one.id < other.id ? -1 : 1));
  }

  /** Adds a record, or puts it in the place of the one with its id. @throws {SkillError} `invalid_input` when it does not fit */
  upsert(given: PythonSkillRecord): void {
    const parsed = record.safeParse(given);
    if (!parsed.success) {
      throw new SkillError("invalid_input", `not a record of a skill: ${z.prettifyError(parsed.error)}`);
    }
    this.#records.set(parsed.data.id, parsed.data);
  }

  /** The record of an id; undefined when there is none. */
  get(id: string): PythonSkillRecord | undefined {
    return this.#records.get(id);
  }

  /** The status of each id, in the order of the ids. */
  statusMap(): ReadonlyMap<string, SkillStatus> {
    return new Map(this.records.map(({ id, status }) => [id, status]));
  }
}

/**
 * Reads `.state/python_registry.json` below `dir`, the folder of a home or one that `savePythonRegistry` wrote to. A
 * missing or empty file is an empty registry; one that is damaged never is. A home makes its own file again on `check`.
 *
 * @throws {SkillError} `home_unusable`, naming the file
 */
export async function loadPythonRegistry(dir: string): Promise<PythonSkillRegistry> {
  const { registry: file } = homeLayout(dir);
  try {
    if (await lstat(file).catch(absent) === undefined) return new PythonSkillRegistry();
    const { bytes } = await readPlainFile(file, "it", MOST_BYTES, "home_unusable");
    return parseRegistry(bytes);
  } catch (error) {
    const reason = SkillError.from(error, "home_unusable", "it cannot be read").message;
    throw new SkillError("home_unusable", `the registry "${file}" cannot be used: ${reason}`, {
      cause: error,
      fix: "in a home: skillwright doctor makes it again; elsewhere put a sound one in its place",
      details: { file },
    });
  }
}

/**
 * Writes a registry as `.state/python_registry.json` below `dir`, whole or not at all, for programs that read the file.
 * Not into a home: there the file only shows what `home.db` holds, and a status is changed by `activatePythonSkill` and
 * its like alone.
 *
 * @throws {SkillError} `invalid_input` when `dir` is a home, `home_unusable` when it can't be written
 */
export async function savePythonRegistry(dir: string, registry: PythonSkillRegistry): Promise<void> {
  const { db, registry: file, state } = homeLayout(dir);
  try {
    if (await lstat(db).catch(absent) !== undefined) throw isHome(dir);
    await mkdir(state, { recursive: true, mode: 0o700 });
    await writeFileAtomic(file, registryText(registry.records), { mode: 0o644 });
  } catch (error) {
    throw SkillError.from(error, "home_unusable", `the registry "${file}" cannot be written`);
  }
}

function registryText(records: readonly PythonSkillRecord[]): string {
  return registryOf(records.map((one) => JSON.stringify(one)), 0);
}

/** A registry file of records that are JSON already: one line each, readable, and written fast when there are many. */
export function registryOf(lines: readonly string[], revision: number): string {
  return `{"revision": ${revision}, "skills": [\n${lines.join(",\n")}\n]}\n`;
}

/** @throws {SkillError} */
function parseRegistry(bytes: Uint8Array): PythonSkillRegistry {
  if (bytes.byteLength === 0) return new PythonSkillRegistry();
  const json = parseJson(bytes, "it", { maxBytes: MOST_BYTES, maxDepth: MOST_DEPTH, code: "home_unusable" });
  const parsed = document.safeParse(json);
  if (!parsed.success) throw new SkillError("home_unusable", z.prettifyError(parsed.error));
  const { skills } = parsed.data;
  // each one is looked at as it is added
  const registry = new PythonSkillRegistry(skills as readonly PythonSkillRecord[]);
  if (registry.records.length === skills.length) return registry;
  throw new SkillError("home_unusable", "it holds the same id twice");
}

function isHome(dir: string): SkillError {
  return new SkillError("invalid_input", `"${dir}" is a home: its registry shows what home.db holds`, {
    fix: "change a skill by activatePythonSkill and its like, or save into another folder",
    details: { dir },
  });
}

/** Nothing there is an answer, all else a failure. */
function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
