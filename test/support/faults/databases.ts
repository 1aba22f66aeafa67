import { DatabaseSync, StatementSync } from "node:sqlite";
import type { Gate } from "./gate.ts";

const CHANGES =
  /^\s*(?:insert|update|delete|replace|create|drop|alter|commit|end|vacuum)\b|journal_mode|user_version\s*=|wal_checkpoint/i;
/** Does nothing yet, but what is replayed must have it. */
const OPENS = /^\s*(?:begin|savepoint|release|rollback)\b/i;

interface Methods {
  exec: (this: DatabaseSync, sql: string) => void;
  prepare: (this: DatabaseSync, ...given: Parameters<DatabaseSync["prepare"]>) => StatementSync;
}
type Run = (this: StatementSync, ...values: unknown[]) => unknown;

/** Puts the gate before every statement that changes a database, and before each commit. */
export function watchDatabases(gate: Gate): void {
  const databases = new WeakMap<StatementSync, DatabaseSync>();
  const pass = (db: DatabaseSync | undefined, sql: string, values: readonly unknown[]): void => {
    const path = db === undefined ? null : db.location();
    if (path === null || (!CHANGES.test(sql) && !OPENS.test(sql))) return;
    gate.pass({ kind: "sql", path, sql, values });
  };
  const database = DatabaseSync.prototype as Methods;
  const { exec, prepare } = database;
  database.exec = function (sql) {
    pass(this, sql, []);
    exec.call(this, sql);
  };
  database.prepare = function (...given) {
    const statement = prepare.apply(this, given);
    databases.set(statement, this);
    return statement;
  };
  const prototype = StatementSync.prototype as unknown as Record<"run" | "get" | "all", Run>;
  for (const name of ["run", "get", "all"] as const) {
    const original = prototype[name];
    prototype[name] = function (...values) {
      pass(databases.get(this), this.sourceSQL, values);
      return original.apply(this, values);
    };
  }
}
