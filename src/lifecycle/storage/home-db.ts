import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { SkillError } from "../../base/errors.ts";
import { sqliteFailure, Statements } from "../../observe/sqlite.ts";
import type { Actor } from "../types.ts";
import { homeFailure } from "./home-failure.ts";
import { HOME_FORMAT, HOME_SCHEMA } from "./home-schema.ts";

/** How a `home.db` is opened. */
export interface HomeDbOptions {
  /** Nothing is written; the home must exist. Default false. */
  readonly readOnly?: boolean;
  /** How long a writer waits for another process before `home_busy`. Default 30,000 ms. */
  readonly waitMs?: number;
  /** The id of a home that is made. Default: a random one. */
  readonly homeId?: string;
}

/** What a transaction did, for the audit. */
export interface AuditEntry {
  readonly actor?: Actor | undefined;
  readonly action: string;
  readonly skill_id?: string | undefined;
  readonly digest?: string | undefined;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}

/** An open transaction. */
export interface HomeTransaction {
  readonly sql: Statements;
  /** The number of this transaction: one more than the last that committed. */
  readonly revision: number;
  /** Milliseconds since 1970, the same for the whole transaction. */
  readonly now: number;
}

/** A version that SQLite never tells. */
const UNKNOWN = -1;
/** Milliseconds for which an answer about other connections is good: to ask takes a fifth of a warm call. */
const UNSEEN_MS = 0.5;
/** Milliseconds after which no answer from before a commit is good any more; timers may ring one too early. */
const SEEN_AFTER_MS = 2;

/**
 * The truth of a home, in SQLite. One connection; its writers stand in line inside this process and wait for other
 * processes without blocking the event loop. The file must be opened through SQLite only: closing any other
 * descriptor of it would release the lock that this process holds.
 */
export class HomeDb {
  readonly sql: Statements;
  /** Made with the home; tells a home from a copy put in its place. */
  readonly homeId: string;
  readonly #db: DatabaseSync;
  readonly #waitMs: number;
  #line: Promise<unknown> = Promise.resolve();
  #seenVersion = UNKNOWN;
  #askedAt = -Infinity;

  private constructor(db: DatabaseSync, path: string, waitMs: number) {
    this.#db = db;
    this.#waitMs = waitMs;
    this.sql = new Statements(db, (error) => homeFailure(error, path));
    this.homeId = String(this.sql.get("select home_id from home")?.["home_id"]);
  }

  /** Opens `path` (`:memory:` for an empty home that is never stored), making it when it does not exist. @throws {SkillError} `home_unusable`, `home_busy` */
  static async open(path: string, options: HomeDbOptions = {}): Promise<HomeDb> {
    const { readOnly = false, waitMs = 30_000, homeId = crypto.randomUUID() } = options;
    let db: DatabaseSync | undefined;
    try {
      if (!readOnly && path !== ":memory:") await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      const opened = db = new DatabaseSync(path, { readOnly });
      opened.exec("pragma busy_timeout = 0; pragma trusted_schema = off; pragma foreign_keys = on");
      if (readOnly) requireFormat(opened, path);
      else await patiently(() => prepare(opened, path, homeId), waitMs);
      return new HomeDb(opened, path, waitMs);
    } catch (error) {
      db?.close();
      throw homeFailure(error, path);
    }
  }

  /** The number of the last committed transaction. */
  get revision(): number {
    return this.#number("revision");
  }

  /** The last transaction whose projections were brought up. */
  get projected(): number {
    return this.#number("projected");
  }

  /**
   * Whether anybody committed since this was last asked. A commit of another connection shows once its `write` has
   * settled, which waits for that, and always inside a transaction; one of this connection shows at once.
   */
  moved(): boolean {
    const now = performance.now();
    if (this.#seenVersion !== UNKNOWN && now - this.#askedAt < UNSEEN_MS) return false;
    const version = Number(this.sql.value("pragma data_version"));
    this.#askedAt = now;
    if (version === this.#seenVersion) return false;
    this.#seenVersion = version;
    return true;
  }

  /**
   * Runs `change` in one transaction, with its audit row and the next revision number. If it throws, nothing happened.
   * `change` must not wait: long work comes before. When it settles, every connection sees the change.
   */
  async write<T>(audit: AuditEntry, change: (tx: HomeTransaction) => T): Promise<T> {
    const result = await this.#inLine(() => {
      const tx: HomeTransaction = { sql: this.sql, revision: this.revision + 1, now: Date.now() };
      const result = change(tx);
      appendAudit(tx, audit);
      this.sql.run("update home set revision = ?", tx.revision);
      return result;
    });
    await delay(SEEN_AFTER_MS);
    return result;
  }

  /**
   * Keeps writers of all processes out while `work` brings files up to the committed state, then notes the revision
   * that it reached. If `work` throws, the note is not made.
   */
  project(work: (reached: number) => Promise<void>): Promise<void> {
    return this.#inLine(async () => {
      const reached = this.revision;
      await work(reached);
      this.sql.run("update home set projected = ?", reached);
    });
  }

  /** Keeps writers of all processes out while `work` runs, which changes nothing here. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    return this.#inLine(work);
  }

  /** What SQLite's own checks find; empty when the file is sound. */
  integrity(): readonly string[] {
    const lines = this.sql.all("pragma integrity_check").map((row) => String(Object.values(row)[0]));
    const orphans = this.sql.all("pragma foreign_key_check").map((row) =>
      `a row of ${String(row["table"])} belongs to none of ${String(row["parent"])}`
    );
    return [...lines.filter((line) => line !== "ok"), ...orphans];
  }

  /** Lets what is in line finish, then closes. */
  async close(): Promise<void> {
    await this.#line.catch(() => {});
    if (this.#db.isOpen) this.#db.close();
  }

  #number(column: "revision" | "projected"): number {
    return Number(this.sql.get(`select ${column} from home`)?.[column]);
  }

  #inLine<T>(body: () => T | Promise<T>): Promise<T> {
    const turn = this.#line.then(() => this.#transaction(body));
    this.#line = turn.catch(() => {});
    return turn;
  }

  async #transaction<T>(body: () => T | Promise<T>): Promise<T> {
    try {
      await patiently(() => this.#db.exec("begin immediate"), this.#waitMs);
      this.#seenVersion = UNKNOWN;
      try {
        const result = await body();
        this.#db.exec("commit");
        return result;
      } finally {
        if (this.#db.isTransaction) this.#db.exec("rollback");
      }
    } catch (error) {
      throw homeFailure(error, "home.db");
    } finally {
      // An own commit does not move `data_version`.
      this.#seenVersion = UNKNOWN;
    }
  }
}

/** Sets the file up, once per connection. Throws SQLite's own error when another process is just doing the same. */
function prepare(db: DatabaseSync, path: string, homeId: string): void {
  if (!isEmpty(db)) requireFormat(db, path);
  db.exec("pragma journal_mode = wal; pragma synchronous = full");
  db.exec("begin immediate");
  try {
    if (format(db) === 0 && isEmpty(db)) {
      db.exec(HOME_SCHEMA);
      db.prepare("insert into home values (?, 0, 0, ?)").run(homeId, Date.now());
      db.exec(`pragma user_version = ${HOME_FORMAT}`);
    }
    requireFormat(db, path);
    db.exec("commit");
  } finally {
    if (db.isTransaction) db.exec("rollback");
  }
}

/** Whether a file is a database in which nothing was made yet. */
export function isUnprepared(path: string): boolean {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { readOnly: true });
    return format(db) === 0 && isEmpty(db);
  } catch {
    return false;
  } finally {
    db?.close();
  }
}

function format(db: DatabaseSync): number {
  return Number(db.prepare("pragma user_version").get()?.["user_version"]);
}

function isEmpty(db: DatabaseSync): boolean {
  return db.prepare("select 1 from sqlite_master limit 1").get() === undefined;
}

function requireFormat(db: DatabaseSync, path: string): void {
  const found = format(db);
  if (found === HOME_FORMAT) return;
  const newer = found > HOME_FORMAT;
  throw new SkillError("home_unusable", `"${path}" has format ${found}, this version reads ${HOME_FORMAT}`, {
    fix: newer
      ? "use the version of skillwright that wrote it"
      : "it is another program's file: choose another home",
  });
}

/** Repeats `attempt` while another process holds the lock, without blocking the event loop. */
async function patiently<T>(attempt: () => T, waitMs: number): Promise<T> {
  const deadline = performance.now() + waitMs;
  for (let pause = 1;; pause = Math.min(pause * 2, 50)) {
    try {
      return attempt();
    } catch (error) {
      if (sqliteFailure(error) !== "busy" || performance.now() > deadline) throw error;
      await delay(pause * (0.5 + Math.random()));
    }
  }
}

function appendAudit(tx: HomeTransaction, entry: AuditEntry): void {
  tx.sql.run(
    "insert into audit (revision, at, via, name, action, skill_id, digest, details) values (?, ?, ?, ?, ?, ?, ?, ?)",
    tx.revision,
    tx.now,
    entry.actor?.via ?? "code",
    entry.actor?.name ?? null,
    entry.action,
    entry.skill_id ?? null,
    entry.digest ?? null,
    entry.details === undefined ? null : JSON.stringify(entry.details),
  );
}
