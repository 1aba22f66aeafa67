import { SkillError } from "../../base/errors.ts";
import type { Row, Statements } from "../../observe/sqlite.ts";
import type { HomeTransaction } from "../storage/home-db.ts";
import type { TestReport } from "../test-report.ts";
import type { Generation, ResolvedManifest, SkillStatus } from "../types.ts";
import { requireTransition } from "./status.ts";
import { parseReport, parseResolved } from "./stored-records.ts";

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

/** One statement, so that no other process commits between a skill and its generations. */
const GENERATIONS = `select s.revision, s.state, s.snapshot, g.*, b.script, b.resolved, t.report
  from skills s
  join generations g on g.skill_id = s.id
  join builds b on b.skill_id = g.skill_id and b.build = g.build
  left join tests t on t.skill_id = g.skill_id and t.number = g.number`;

/** Reads one skill, or undefined. */
export function readSkill(sql: Statements, id: string): SkillRecord | undefined {
  const rows = sql.all(`${GENERATIONS} where s.id = ? order by g.number`, id);
  const triggers = sql.all(
    "select sentence from triggers where skill_id = ? order by added_at, sentence",
    id,
  );
  return rows.length === 0 ? undefined : toSkill(rows, triggers);
}

/** Reads all skills by id: two queries, however many there are. */
export function readSkills(sql: Statements): readonly SkillRecord[] {
  const rows = bySkill(sql.all(`${GENERATIONS} order by s.id, g.number`));
  const triggers = bySkill(
    sql.all("select skill_id, sentence from triggers order by skill_id, added_at, sentence"),
  );
  return [...rows].map(([id, its]) => toSkill(its, triggers.get(id) ?? []));
}

/** Reads one skill inside the transaction that changes it. @throws {SkillError} `not_found` when it is no longer there */
export function readInstalled({ sql }: HomeTransaction, id: string): SkillRecord {
  return readSkill(sql, id) ?? gone(id);
}

/** The transaction that changed a skill last; 0 when there is none. */
export function lastChange(sql: Statements): number {
  return Number(sql.value("select coalesce(max(revision), 0) from skills"));
}

/** The states by id of the skills that a transaction after `since` changed, without what is large: one query for all. */
export function readStates(sql: Statements, since: number): readonly SkillState[] {
  const rows = sql.all(
    `select s.revision, s.snapshot, g.skill_id, g.number, g.name, g.version, g.slot, g.status, g.last_error,
       g.activated, g.installed_at, g.updated_at
     from skills s join generations g on g.skill_id = s.id where s.revision > ? order by s.id, g.number`,
    since,
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

/**
 * Notes that the transaction changes a skill: its generations (`state`), which makes it if need be, or something else.
 *
 * @throws {SkillError} `not_found` when something else of it is changed, but it is no longer there
 */
export function touchSkill(tx: HomeTransaction, id: string, what: "state" | "other"): void {
  if (what === "state") {
    tx.sql.run(
      `insert into skills (id, revision, state) values (?1, ?2, ?2)
       on conflict (id) do update set revision = ?2, state = ?2`,
      id,
      tx.revision,
    );
  } else if (tx.sql.run("update skills set revision = ? where id = ?", tx.revision, id) === 0) gone(id);
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

/** Keeps a test report with a generation. @throws {SkillError} `not_found` when it is no longer there */
export function storeTests(
  tx: HomeTransaction,
  generation: Pick<StoredGeneration, "skill_id" | "number">,
  report: TestReport,
): void {
  const { skill_id, number } = generation;
  const noted = tx.sql.run(
    "update generations set last_error = ?, updated_at = ? where skill_id = ? and number = ?",
    report.passed ? null : "its tests did not pass",
    tx.now,
    skill_id,
    number,
  );
  if (noted === 0) gone(skill_id);
  tx.sql.run(
    "insert into tests values (?1, ?2, ?3) on conflict (skill_id, number) do update set report = ?3",
    skill_id,
    number,
    JSON.stringify(report),
  );
}

function gone(id: string): never {
  throw new SkillError("not_found", `"${id}" was uninstalled at the same time`, { details: { id } });
}

function bySkill(rows: readonly Row[]): ReadonlyMap<string, readonly Row[]> {
  const skills = new Map<string, Row[]>();
  for (const row of rows) {
    const id = String(row["skill_id"]), known = skills.get(id);
    if (known === undefined) skills.set(id, [row]);
    else known.push(row);
  }
  return skills;
}

/** The revision of the last change of any skill, removed ones among them; 0 in a new home. */
export function lastRevision(sql: Statements): number {
  const row = sql.get(
    "select max(revision) as n from (select revision from skills union all select revision from removed)",
  );
  return Number(row?.["n"] ?? 0);
}

function toSkill(rows: readonly Row[], triggers: readonly Row[]): SkillRecord {
  const [row] = rows;
  return {
    id: String(row?.["skill_id"]),
    revision: Number(row?.["revision"]),
    state: Number(row?.["state"]),
    snapshot: row?.["snapshot"] as string | null,
    generations: rows.map(toGeneration),
    triggers: triggers.map(({ sentence }) => String(sentence)),
  };
}

function toGeneration(row: Row): StoredGeneration {
  const what = `generation ${String(row["number"])} of "${String(row["skill_id"])}"`;
  return {
    ...toState(row),
    skill_id: String(row["skill_id"]),
    build: String(row["build"]),
    digest: String(row["digest"]),
    script: String(row["script"]),
    tests: row["report"] === null ? null : parseReport(row["report"], what),
    resolved: parseResolved(row["resolved"], what),
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
