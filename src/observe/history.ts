import { mkdir, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { clearTimeout, setTimeout } from "node:timers";
import { SkillError } from "../base/errors.ts";
import { sqliteFailure, Statements } from "./sqlite.ts";

/** One run of a tool. Inputs and outputs are not kept: they may hold what nobody wants to keep. */
export interface RunEntry {
  readonly skill_id: string;
  readonly version: string;
  readonly tool: string;
  readonly ok: boolean;
  /** Code of the error, when it failed. */
  readonly code: string | null;
  /** Milliseconds since 1970. */
  readonly started_at: number;
  readonly wall_ms: number;
  readonly cpu_ms: number | null;
  /** The most memory that its process ever held, in KB. */
  readonly max_rss_kb: number | null;
}

/** How the runs of one tool went. */
export interface RunStats {
  readonly skill_id: string;
  readonly tool: string;
  readonly runs: number;
  readonly failed: number;
  /** Parts of all runs, 0 to 1. */
  readonly success_rate: number;
  readonly error_rate: number;
  /** Milliseconds since 1970. */
  readonly last_at: number;
  readonly p50_ms: number;
  readonly p95_ms: number;
  /** Of all runs that told it; null when none did. */
  readonly cpu_ms: number | null;
  /** The most of all runs that told it; null when none did. */
  readonly max_rss_kb: number | null;
}

/** One generation: how a skill was made, or why it was not. */
export interface MakingEntry {
  /** The run. A later entry of the same run takes the place of the earlier one. */
  readonly id: string;
  readonly intent: string;
  /** `proposed` until somebody decides. */
  readonly outcome: "proposed" | "existing_match" | "installed" | "rejected" | "failed";
  /** Code of the error, when it failed. */
  readonly code: string | null;
  /** The skill that was made, or that does it already. */
  readonly skill_id: string | null;
  readonly version: string | null;
  readonly proposal_id: string | null;
  readonly maker: string;
  readonly verifier: string | null;
  /** Whether an existing skill was taken, and why. */
  readonly reuse: string;
  readonly rounds: number;
  readonly turns: number;
  readonly tokens: number;
  /** Milliseconds since 1970. */
  readonly started_at: number;
  /** Time of all stages, without waiting for a person. */
  readonly wall_ms: number;
}

interface Write {
  readonly sql: string;
  readonly values: readonly (string | number | null)[];
}

const SCHEMA = `
create table if not exists runs (
  skill_id text not null, version text not null, tool text not null, ok integer not null, code text,
  started_at integer not null, wall_ms real not null, cpu_ms real, max_rss_kb integer
) strict;
create index if not exists runs_skill on runs (skill_id, started_at);
create table if not exists makings (
  id text primary key, intent text not null, outcome text not null, code text, skill_id text, version text,
  proposal_id text, maker text not null, verifier text, reuse text not null, rounds integer not null,
  turns integer not null, tokens integer not null, started_at integer not null, wall_ms real not null
) strict;
`;
const MAKING_COLUMNS = [
  "id",
  "intent",
  "outcome",
  "code",
  "skill_id",
  "version",
  "proposal_id",
  "maker",
  "verifier",
  "reuse",
  "rounds",
  "turns",
  "tokens",
  "started_at",
  "wall_ms",
] as const satisfies readonly (keyof MakingEntry)[];
const BATCH = 200, DELAY_MS = 1000, WAITING = 10_000;

/**
 * Which tool ran when and how it ended, and how skills were made. Written in batches, apart from the truth: it may be lost, and nothing fails
 * because of it. What can't be written after a while is dropped.
 */
export class RunHistory {
  readonly #path: string;
  #db: { readonly connection: DatabaseSync; readonly sql: Statements } | undefined;
  #waiting: Write[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #flushing: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  /** Takes a note. Returns at once. */
  add(entry: RunEntry): void {
    this.#note({
      sql: "insert into runs values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      values: [
        entry.skill_id,
        entry.version,
        entry.tool,
        entry.ok ? 1 : 0,
        entry.code,
        entry.started_at,
        entry.wall_ms,
        entry.cpu_ms,
        entry.max_rss_kb,
      ],
    });
  }

  /** Takes a note of a generation. Returns at once. */
  addMaking(entry: MakingEntry): void {
    const values = MAKING_COLUMNS.map((column) => entry[column]);
    const places = values.map(() => "?").join(", ");
    this.#note({
      sql: `insert or replace into makings (${MAKING_COLUMNS.join(", ")}) values (${places})`,
      values,
    });
  }

  /** Generations since `since`, in milliseconds since 1970; the last one first. */
  async makings(
    { skill, since = 0, limit = 50 }: {
      readonly skill?: string | undefined;
      readonly since?: number | undefined;
      readonly limit?: number | undefined;
    } = {},
  ): Promise<readonly MakingEntry[]> {
    await this.flush();
    const rows = (await this.#open()).all(
      "select * from makings where started_at >= ?1 and (?2 is null or skill_id = ?2) " +
        "order by started_at desc, rowid desc limit ?3",
      since,
      skill ?? null,
      limit,
    );
    return rows.map((row) => ({ ...row }) as unknown as MakingEntry);
  }

  #note(write: Write): void {
    if (this.#waiting.length < WAITING) this.#waiting.push(write);
    if (this.#waiting.length >= BATCH) void this.flush();
    else this.#timer ??= setTimeout(() => void this.flush(), DELAY_MS).unref();
  }

  /** The newest runs of a skill, the last one first. */
  async recent(skillId: string, limit = 50): Promise<readonly RunEntry[]> {
    await this.flush();
    const sql = await this.#open();
    const rows = sql.all(
      "select * from runs where skill_id = ? order by started_at desc limit ?",
      skillId,
      limit,
    );
    return rows.map((row) => ({ ...row, ok: row["ok"] === 1 }) as unknown as RunEntry);
  }

  /** How the runs of each skill and tool went since `since`, in milliseconds since 1970; the most used first. */
  async stats(skillId?: string, since = 0): Promise<readonly RunStats[]> {
    await this.flush();
    const rows = (await this.#open()).all(
      `with ranked as (
         select *, row_number() over (partition by skill_id, tool order by wall_ms) as place,
           count(*) over (partition by skill_id, tool) as n
         from runs where started_at >= ?1 and (?2 is null or skill_id = ?2)
       )
       select skill_id, tool, n as runs, sum(1 - ok) as failed,
         avg(ok) as success_rate, avg(1 - ok) as error_rate, max(started_at) as last_at,
         min(case when place >= n * 0.5 then wall_ms end) as p50_ms,
         min(case when place >= n * 0.95 then wall_ms end) as p95_ms, sum(cpu_ms) as cpu_ms,
         max(max_rss_kb) as max_rss_kb
       from ranked group by skill_id, tool order by runs desc, skill_id, tool`,
      since,
      skillId ?? null,
    );
    return rows.map((row) => ({ ...row }) as unknown as RunStats);
  }

  /** Writes what waits. Never throws. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#flushing = this.#flushing.then(() => this.#write()).catch(() => {});
    return this.#flushing;
  }

  async close(): Promise<void> {
    await this.flush();
    this.#db?.connection.close();
    this.#db = undefined;
  }

  async #write(): Promise<void> {
    if (this.#waiting.length === 0) return;
    const sql = await this.#open();
    const entries = this.#waiting;
    this.#waiting = [];
    sql.run("begin immediate");
    try {
      for (const { sql: text, values } of entries) sql.run(text, ...values);
      sql.run("commit");
    } catch {
      if (this.#db?.connection.isTransaction === true) sql.run("rollback");
    }
  }

  async #open(): Promise<Statements> {
    if (this.#db !== undefined) return this.#db.sql;
    const path = this.#path;
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      const connection = await connectAnew(path);
      this.#db = { connection, sql: new Statements(connection, (error) => unreadable(path, error)) };
      return this.#db.sql;
    } catch (error) {
      throw unreadable(path, error);
    }
  }
}

/** Opens the file. A damaged one is thrown away: what it holds may be lost. */
async function connectAnew(path: string): Promise<DatabaseSync> {
  try {
    return connect(path);
  } catch (error) {
    if (sqliteFailure(error) !== "corrupt") throw error;
    for (const end of ["", "-wal", "-shm"]) await rm(`${path}${end}`, { force: true });
    return connect(path);
  }
}

function connect(path: string): DatabaseSync {
  const connection = new DatabaseSync(path);
  try {
    // A batch is small and rare, so that waiting a moment for another process does not hold the event loop up for long.
    connection.exec("pragma busy_timeout = 50; pragma journal_mode = wal; pragma synchronous = off");
    connection.exec(SCHEMA);
    // A file of an earlier version keeps its rows.
    const columns = connection.prepare("pragma table_info(runs)").all().map(({ name }) => name);
    if (!columns.includes("max_rss_kb")) connection.exec("alter table runs add column max_rss_kb integer");
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

function unreadable(path: string, cause: unknown): SkillError {
  if (SkillError.isInstance(cause)) return cause;
  return new SkillError(
    "home_unusable",
    `the history "${path}" cannot be used: ${(cause as Error).message}`,
    {
      cause,
      fix: "delete it: it only holds how past runs went",
    },
  );
}
