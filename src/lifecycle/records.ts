import type { Row, Statements } from "../observe/sqlite.ts";
import { SkillError } from "../base/errors.ts";
import type { HomeTransaction } from "./home-db.ts";
import { requireTransition } from "./status.ts";
import type { Generation, ResolvedManifest, SkillStatus, TestReport } from "./types.ts";

/** As much of a generation as tells its part in the life of its skill. */
export type GenerationState =
  & Pick<Generation, "number" | "version" | "slot" | "status" | "last_error" | "installed_at" | "updated_at">
  & {
    readonly name: string;
    /** The transaction that activated it last, or null: orders who served before whom. */
    readonly activated: number | null;
  };

/** A skill with its generations, as much of them as somebody needs. */
export interface SkillState<G extends GenerationState = GenerationState> {
  readonly id: string;
  readonly revision: number;
  /** Path of the last known good source, relative to the home. */
  readonly snapshot: string | null;
  /** In order of their numbers, at least one. */
  readonly generations: readonly G[];
}

/** A generation with what only the lifecycle itself needs. */
export interface StoredGeneration extends Generation, GenerationState {
  /** SHA-256 of the entry script: tells our own copy of it from an edited one. */
  readonly script: string;
  readonly resolved: ResolvedManifest;
}

/** A skill as stored. */
export interface SkillRecord extends SkillState<StoredGeneration> {
  /** The transaction that changed its generations last. */
  readonly state: number;
  /** Sentences that should find it, besides the manifest's. */
  readonly triggers: readonly string[];
}

/** Reads one skill, or undefined. */
export function readSkill(sql: Statements, id: string): SkillRecord | undefined {
  const row = sql.get("select * from skills where id = ?", id);
  if (row === undefined) return undefined;
  return {
    id,
    revision: Number(row["revision"]),
    state: Number(row["state"]),
    snapshot: row["snapshot"] as string | null,
    generations: sql.all(
      `select g.*, b.script, b.resolved, t.report from generations g
       join builds b on b.skill_id = g.skill_id and b.build = g.build
       left join tests t on t.skill_id = g.skill_id and t.number = g.number
       where g.skill_id = ? order by g.number`,
      id,
    ).map(toGeneration),
    triggers: sql.all("select sentence from triggers where skill_id = ? order by added_at, sentence", id)
      .map((trigger) => String(trigger["sentence"])),
  };
}

/** The states of all skills by id, without what is large: one query, however many there are. */
export function readStates(sql: Statements): readonly SkillState[] {
  const rows = sql.all(
    `select s.revision, s.snapshot, g.skill_id, g.number, g.name, g.version, g.slot, g.status, g.last_error,
       g.activated, g.installed_at, g.updated_at
     from skills s join generations g on g.skill_id = s.id order by s.id, g.number`,
  );
  const states = new Map<string, SkillState & { readonly generations: GenerationState[] }>();
  for (const row of rows) {
    const id = String(row["skill_id"]);
    const state = states.get(id) ??
      { id, revision: Number(row["revision"]), snapshot: row["snapshot"] as string | null, generations: [] };
    state.generations.push(toState(row));
    states.set(id, state);
  }
  return [...states.values()];
}

/** Ids of all skills, sorted. */
export function readIds(sql: Statements): readonly string[] {
  return sql.all("select id from skills order by id").map((row) => String(row["id"]));
}

/** Ids of the skills that a transaction after `revision` changed. */
export function idsChangedSince(sql: Statements, revision: number): readonly string[] {
  return sql.all("select id from skills where revision > ? order by id", revision).map((row) =>
    String(row["id"])
  );
}

/** Notes that the transaction changes a skill, making it if need be; `state` when its generations change. */
export function touchSkill(tx: HomeTransaction, id: string, what: "state" | "other"): void {
  tx.sql.run(
    `insert into skills (id, revision, state) values (?1, ?2, ?2)
     on conflict (id) do update set revision = ?2, state = iif(?3, ?2, state)`,
    id,
    tx.revision,
    what === "state" ? 1 : 0,
  );
}

/** What a new generation is made of; it begins as `pending`. */
export type NewGeneration = Pick<
  StoredGeneration,
  "skill_id" | "version" | "slot" | "build" | "digest" | "script" | "resolved"
>;

/** Adds a generation with the next number; no number is ever used twice, so a process of an uninstalled one is not taken for it. */
export function insertGeneration(tx: HomeTransaction, fresh: NewGeneration): number {
  const number = Number(
    tx.sql.get(
      `select 1 + max(coalesce((select max(number) from generations where skill_id = ?1), 0),
         coalesce((select last_number from removed where skill_id = ?1), 0)) as n`,
      fresh.skill_id,
    )?.["n"],
  );
  const { skill_id, version, slot, build, digest, script, resolved } = fresh;
  tx.sql.run(
    "insert or ignore into builds (skill_id, build, script, resolved) values (?, ?, ?, ?)",
    skill_id,
    build,
    script,
    JSON.stringify(resolved),
  );
  tx.sql.run(
    `insert into generations
       (skill_id, number, name, version, slot, build, digest, status, installed_at, updated_at)
     values (?, ?, ?, ?, ?, ?, ?, 'pending', ?, ?)`,
    skill_id,
    number,
    resolved.manifest.name,
    version,
    slot,
    build,
    digest,
    tx.now,
    tx.now,
  );
  return number;
}

/** Takes a generation through one or more allowed steps. @throws {SkillError} `invalid_transition` */
export function moveGeneration(
  tx: HomeTransaction,
  generation: StoredGeneration,
  steps: readonly SkillStatus[],
  lastError: string | null = null,
): void {
  let status = generation.status;
  for (const next of steps) {
    requireTransition(generation.skill_id, status, next);
    status = next;
  }
  const activated = status === "active" ? tx.revision : generation.activated;
  tx.sql.run(
    `update generations set status = ?, last_error = ?, activated = ?, updated_at = ?
     where skill_id = ? and number = ?`,
    status,
    lastError,
    activated,
    tx.now,
    generation.skill_id,
    generation.number,
  );
}

/** Keeps a test report with a generation. */
export function storeTests(
  tx: HomeTransaction,
  generation: Pick<StoredGeneration, "skill_id" | "number">,
  report: TestReport,
): void {
  const { skill_id, number } = generation;
  tx.sql.run(
    "insert into tests values (?1, ?2, ?3) on conflict (skill_id, number) do update set report = ?3",
    skill_id,
    number,
    JSON.stringify(report),
  );
  tx.sql.run(
    "update generations set last_error = ?, updated_at = ? where skill_id = ? and number = ?",
    report.passed ? null : "its tests did not pass",
    tx.now,
    skill_id,
    number,
  );
}

function toGeneration(row: Row): StoredGeneration {
  const what = `generation ${String(row["number"])} of "${String(row["skill_id"])}"`;
  return {
    ...toState(row),
    skill_id: String(row["skill_id"]),
    build: String(row["build"]),
    digest: String(row["digest"]),
    script: String(row["script"]),
    tests: row["report"] === null ? null : stored(row["report"], what) as TestReport,
    resolved: stored(row["resolved"], what) as ResolvedManifest,
  };
}

function toState(row: Row): GenerationState {
  return {
    number: Number(row["number"]),
    name: String(row["name"]),
    version: String(row["version"]),
    slot: row["slot"] as Generation["slot"],
    status: row["status"] as SkillStatus,
    last_error: row["last_error"] as string | null,
    activated: row["activated"] === null ? null : Number(row["activated"]),
    installed_at: Number(row["installed_at"]),
    updated_at: Number(row["updated_at"]),
  };
}

/** JSON that this library wrote. */
function stored(text: unknown, what: string): unknown {
  try {
    return JSON.parse(String(text));
  } catch (error) {
    throw new SkillError("home_unusable", `the record of ${what} is damaged`, {
      cause: error,
      fix: "put a backup of home.db in its place",
    });
  }
}
