import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import type { Operation } from "../support/faults/gate.ts";

/** What a connection does to itself, and how the file is kept: the replay is the same without it. */
const NOT_REPLAYED = /journal_mode|synchronous|wal_checkpoint/i;

type Sql = Extract<Operation, { kind: "sql" }>;

/**
 * A database to which recorded statements are done again once they are durable: with their commit, because every commit
 * of a home is synced.
 */
export class ReplayedDatabase {
  readonly #path: string;
  #waiting: Sql[] | undefined;
  #commits = 0;

  /** @param path a copy of what there was before, or where nothing is */
  constructor(path: string) {
    this.#path = path;
  }

  /** How often something became durable. */
  get commits(): number {
    return this.#commits;
  }

  apply(operation: Sql): void {
    const { sql } = operation;
    if (NOT_REPLAYED.test(sql)) return;
    if (/^\s*begin/i.test(sql)) this.#waiting = [];
    else if (/^\s*rollback/i.test(sql)) this.#waiting = undefined;
    else if (/^\s*(?:commit|end)/i.test(sql)) {
      this.#run(this.#waiting ?? []);
      this.#waiting = undefined;
    } else if (this.#waiting === undefined) this.#run([operation]);
    else this.#waiting.push(operation);
  }

  /** Copies what is durable to where nothing is. */
  copyTo(path: string): void {
    // Another process: one that has a database open must not read its file.
    if (existsSync(this.#path)) execFileSync("cp", [this.#path, path]);
  }

  #run(statements: readonly Sql[]): void {
    if (statements.length === 0) return;
    const db = new DatabaseSync(this.#path);
    try {
      // Faster, and nothing but this process ends.
      db.exec("pragma journal_mode = memory; pragma synchronous = off; begin immediate");
      for (const { sql, values } of statements) {
        if (values.length === 0) db.exec(sql);
        else db.prepare(sql).run(...values as SQLInputValue[]);
      }
      db.exec("commit");
    } finally {
      db.close();
    }
    this.#commits++;
  }
}
