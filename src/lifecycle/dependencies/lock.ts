import { lstat } from "node:fs/promises";
import { isAbsolute, join, relative, resolve } from "node:path";
import { z } from "zod";
import { writeFileAtomic } from "../../base/atomic-file.ts";
import { SkillError } from "../../base/errors.ts";
import { parseJson } from "../../base/json.ts";
import { readPlainFile } from "../../manifest/package-files.ts";
import { SKILL_ID } from "../../manifest/skill-id.ts";
import { type Home, requireTrusted } from "../home/home.ts";
import type { StoredGeneration } from "../records/records.ts";
import { candidateOf, servingOf } from "../records/skill-record.ts";
import { knownSource } from "../sources/known-source.ts";
import { offerOf } from "./installed.ts";
import { fulfils } from "./resolve.ts";

/** `skills.lock`: what serves in a home, exactly, so that it can be installed again. */
export interface SkillsLock {
  readonly skills: Readonly<
    Record<string, {
      readonly version: string;
      /** Of the package's files. */
      readonly digest: string;
      /** Whether it served. */
      readonly serves: boolean;
      /** Ids of the locked skills that it leans on. */
      readonly needs: readonly string[];
      /** Where it came from, without passwords; local paths are relative to the home. */
      readonly source?: string;
      /** Its Python packages with hashes, as a requirements file. */
      readonly python?: string;
    }>
  >;
}

/** Name of the lockfile, in the home. No id has a dot. */
export const LOCK_FILE = "skills.lock";
const FORMAT = 1;
const MOST_BYTES = 16 << 20;
/** Document, skills, one of them, its lists. */
const MOST_DEPTH = 4;

const locked = z.strictObject({
  version: z.string().min(1).max(300),
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  serves: z.boolean(),
  needs: z.array(z.string().regex(SKILL_ID)).max(500),
  source: z.string().min(1).max(4096).exactOptional(),
  python: z.string().max(1 << 20).exactOptional(),
});
const document = z.strictObject({
  format: z.literal(FORMAT),
  skills: z.record(z.string().regex(SKILL_ID), locked),
});

/** Writes `skills.lock` of what serves, else of candidates. Others are left out. @throws {SkillError} `home_unusable` */
export async function writeLock(home: Home): Promise<SkillsLock> {
  requireTrusted(home);
  const lock = lockOf(home);
  const file = join(home.layout.dir, LOCK_FILE);
  try {
    await writeFileAtomic(file, `${JSON.stringify({ format: FORMAT, ...lock }, null, 2)}\n`, { mode: 0o644 });
  } catch (error) {
    throw SkillError.from(error, "home_unusable", `"${file}" cannot be written`);
  }
  return lock;
}

/** Reads `skills.lock`. @throws {SkillError} `not_found`, `invalid_input` for a damaged one */
export async function readLock({ layout }: Home): Promise<SkillsLock> {
  const file = join(layout.dir, LOCK_FILE);
  if (await lstat(file).catch(() => undefined) === undefined) {
    throw new SkillError("not_found", `there is no "${file}"`, { fix: "write it: skillwright lock" });
  }
  const { bytes } = await readPlainFile(file, LOCK_FILE, MOST_BYTES, "invalid_input");
  const parsed = document.safeParse(
    parseJson(bytes, LOCK_FILE, { maxBytes: MOST_BYTES, maxDepth: MOST_DEPTH }),
  );
  if (parsed.success) return { skills: parsed.data.skills };
  throw new SkillError("invalid_input", `${LOCK_FILE} is damaged: ${z.prettifyError(parsed.error)}`, {
    fix: "take it from your version control, or write it anew: skillwright lock",
  });
}

/** A source as the lock keeps it, so that it can be fetched: what is local is relative to the home. */
export function lockedSource({ layout }: Home, source: string): string {
  return source.startsWith("git+") ? source : resolve(layout.dir, source);
}

function lockOf(home: Home): SkillsLock {
  const chosen = home.view.all().map((record) => servingOf(record) ?? candidateOf(record)).filter((one) =>
    one !== undefined
  );
  const skills = chosen.map((one) => [one.skill_id, entry(home, one, chosen)] as const);
  return { skills: Object.fromEntries(skills) };
}

function entry(
  home: Home,
  one: StoredGeneration,
  all: readonly StoredGeneration[],
): SkillsLock["skills"][string] {
  const { skill_id, version, digest, status, resolved: { manifest, environment } } = one;
  const needs = Object.entries(manifest.dependencies).flatMap(([name, range]) =>
    all.filter((other) =>
      other.skill_id !== skill_id && fulfils(offerOf(other.resolved.manifest, true), name, range)
    ).map((other) => other.skill_id)
  );
  const source = knownSource(home, one);
  return {
    version,
    digest,
    serves: status === "active",
    needs: [...new Set(needs)].sort(),
    ...(source === undefined ? {} : { source: portable(home.layout.dir, source) }),
    ...(environment.pins === "" ? {} : { python: environment.pins }),
  };
}

function portable(dir: string, source: string): string {
  return isAbsolute(source) ? relative(dir, source) || "." : source;
}
