import type { Statements } from "../../observe/sqlite.ts";
import type { HomeTransaction } from "../storage/home-db.ts";

/** What a skill keeps between its runs, in one schema: a folder below its data. */
export interface StateRow {
  /** The version of what stands in it. */
  readonly schema_version: number;
  /** Name of the folder. */
  readonly folder: string;
  /** The transaction that let a generation with this schema serve last. */
  readonly used: number;
}

/** All that is kept of a skill, what was used last first. */
export function readState(sql: Statements, id: string): readonly StateRow[] {
  return sql.all(
    "select schema_version, folder, used from skill_state where skill_id = ? order by used desc",
    id,
  ).map((row) => ({
    schema_version: Number(row["schema_version"]),
    folder: String(row["folder"]),
    used: Number(row["used"]),
  }));
}

/** Name of the folder that holds what a skill keeps in a schema; undefined when there is none. */
export function stateFolder(sql: Statements, id: string, schemaVersion: number): string | undefined {
  const row = sql.get(
    "select folder from skill_state where skill_id = ? and schema_version = ?",
    id,
    schemaVersion,
  );
  return row === undefined ? undefined : String(row["folder"]);
}

/** Makes a folder the one that is used from now on. */
export function storeState(
  tx: HomeTransaction,
  id: string,
  { schema_version, folder }: Pick<StateRow, "schema_version" | "folder">,
): void {
  tx.sql.run(
    `insert into skill_state (skill_id, schema_version, folder, used) values (?1, ?2, ?3, ?4)
     on conflict (skill_id, schema_version) do update set folder = ?3, used = ?4`,
    id,
    schema_version,
    folder,
    tx.revision,
  );
}
