import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { clearTimeout, setTimeout } from "node:timers";
import { Statements } from "./sqlite.ts";

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
}

/** How the runs of one tool went. */
export interface RunStats {
  readonly skill_id: string;
  readonly tool: string;
  readonly runs: number;
  readonly failed: number;
  /** Milliseconds since 1970. */
  readonly last_at: number;
  readonly p50_ms: number;
  readonly p95_ms: number;
  /** Of all runs that told it; null when none did. */
  readonly cpu_ms: number | null;
}

const SCHEMA = `
create table if not exists runs (
  skill_id text not null, version text not null, tool text not null, ok integer not null, code text,
  started_at integer not null, wall_ms real not null, cpu_ms real
) strict;
create index if not exists runs_skill on runs (skill_id, started_at);
`;
const BATCH = 200, DELAY_MS = 1000, WAITING = 10_000;

/**
 * Which tool ran when and how it ended. Written in batches, apart from the truth: it may be lost, and nothing fails
 * because of it. What can't be written after a while is dropped.
 */
export class RunHistory {
  readonly #path: string;
  #db: { readonly connection: DatabaseSync; readonly sql: Statements } | undefined;
  #waiting: RunEntry[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #flushing: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  /** Takes a note. Returns at once. */
  add(entry: RunEntry): void {
    if (this.#waiting.length < WAITING) this.#waiting.push(entry);
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
       select skill_id, tool, n as runs, sum(1 - ok) as failed, max(started_at) as last_at,
         min(case when place >= n * 0.5 then wall_ms end) as p50_ms,
         min(case when place >= n * 0.95 then wall_ms end) as p95_ms, sum(cpu_ms) as cpu_ms
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
      for (const one of entries) {
        sql.run(
          "insert into runs values (?, ?, ?, ?, ?, ?, ?, ?)",
          one.skill_id,
          one.version,
          one.tool,
          one.ok ? 1 : 0,
          one.code,
          one.started_at,
          one.wall_ms,
          one.cpu_ms,
        );
      }
      sql.run("commit");
    } catch {
      if (this.#db?.connection.isTransaction === true) sql.run("rollback");
    }
  }

  async #open(): Promise<Statements> {
    if (this.#db !== undefined) return this.#db.sql;
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
    const connection = new DatabaseSync(this.#path);
    try {
      // A batch is small and rare, so that waiting a moment for another process does not hold the event loop up for long.
      connection.exec("pragma busy_timeout = 50; pragma journal_mode = wal; pragma synchronous = off");
      connection.exec(SCHEMA);
    } catch (error) {
      connection.close();
      throw error;
    }
    this.#db = { connection, sql: new Statements(connection) };
    return this.#db.sql;
  }
}
