import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { SkillError } from "../base/errors.ts";

/** What kind of failure SQLite reported. Runtimes differ in what they tell: some give a number, all give the text. */
export type SqliteFailure = "busy" | "corrupt" | "full" | "read_only" | "io" | "constraint" | "other";

const BY_NUMBER: Readonly<Record<number, SqliteFailure>> = {
  5: "busy",
  6: "busy",
  8: "read_only",
  10: "io",
  11: "corrupt",
  13: "full",
  14: "io",
  19: "constraint",
  26: "corrupt",
};

const BY_TEXT: readonly (readonly [RegExp, SqliteFailure])[] = [
  [/is locked/, "busy"],
  [/not a database|malformed|corrupt/, "corrupt"],
  [/disk is full/, "full"],
  [/readonly|read-only/, "read_only"],
  [/I\/O error|unable to open/, "io"],
  [/constraint failed/, "constraint"],
];

/** Tells the kind of an error that a `node:sqlite` call threw; undefined for errors of another origin. */
export function sqliteFailure(error: unknown): SqliteFailure | undefined {
  if (!(error instanceof Error) || (error as { code?: unknown }).code !== "ERR_SQLITE_ERROR") {
    return undefined;
  }
  const { errcode } = error as { errcode?: unknown };
  const byNumber = typeof errcode === "number" ? BY_NUMBER[errcode & 0xff] : undefined;
  return byNumber ?? BY_TEXT.find(([pattern]) => pattern.test(error.message))?.[1] ?? "other";
}

/** A row as SQLite gives it. */
export type Row = Readonly<Record<string, unknown>>;

/** A connection whose statements are compiled once. Everything throws `closed` once it is closed. */
export class Statements {
  readonly #db: DatabaseSync;
  readonly #explain: (error: unknown) => unknown;
  readonly #prepared = new Map<string, StatementSync>();
  /** Those that give rows as arrays. */
  readonly #values = new Map<string, StatementSync>();

  /** @param explain what is thrown instead of an error of SQLite */
  constructor(db: DatabaseSync, explain: (error: unknown) => unknown = (error) => error) {
    this.#db = db;
    this.#explain = explain;
  }

  all(sql: string, ...values: SQLInputValue[]): readonly Row[] {
    return this.#explained(() => this.#statement(sql).all(...values));
  }

  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#explained(() => this.#statement(sql).get(...values));
  }

  /** The first column of the first row. Faster than `get`: no object is made for the row. */
  value(sql: string, ...values: SQLInputValue[]): unknown {
    return this.#explained(() => first(this.#valueStatement(sql).get(...values)));
  }

  /** Runs a change; the answer is how many rows it touched. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return this.#explained(() => Number(this.#statement(sql).run(...values).changes));
  }

  #explained<T>(action: () => T): T {
    try {
      this.#requireOpen();
      return action();
    } catch (error) {
      throw this.#explain(error);
    }
  }

  #statement(sql: string): StatementSync {
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(sql);
    this.#prepared.set(sql, statement);
    return statement;
  }

  #valueStatement(sql: string): StatementSync {
    const known = this.#values.get(sql);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(sql);
    statement.setReturnArrays(true);
    this.#values.set(sql, statement);
    return statement;
  }

  #requireOpen(): void {
    if (!this.#db.isOpen) {
      throw new SkillError("closed", "the home was closed", { fix: "open it again" });
    }
  }
}

/** Of a row that the types know as an object only. */
function first(row: unknown): unknown {
  return (row as readonly unknown[] | undefined)?.[0];
}
