import type { Statements } from "../../observe/sqlite.ts";
import { parseStored } from "../storage/stored-json.ts";

/** Who did what to which bytes. */
export interface AuditRecord {
  /** The number of the transaction: they are in order, none is missing. */
  readonly revision: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Front door: `cli`, `host`, `agent`, `code`, `runner`. */
  readonly via: string;
  readonly name: string | null;
  readonly action: string;
  readonly skill_id: string | null;
  readonly digest: string | null;
  readonly details: unknown;
}

/** The newest entries, the last one first; of one skill, or of all. */
export function readAudit(
  sql: Statements,
  { skill, limit }: { readonly skill?: string | undefined; readonly limit: number },
): readonly AuditRecord[] {
  return sql.all(
    "select * from audit where ?1 is null or skill_id = ?1 order by revision desc limit ?2",
    skill ?? null,
    limit,
  ).map((row) => ({
    revision: Number(row["revision"]),
    at: Number(row["at"]),
    via: String(row["via"]),
    name: row["name"] as string | null,
    action: String(row["action"]),
    skill_id: row["skill_id"] as string | null,
    digest: row["digest"] as string | null,
    details: row["details"] === null
      ? null
      : parseStored(row["details"], `change ${String(row["revision"])} in the audit`),
  }));
}
