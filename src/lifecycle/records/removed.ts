import type { Row, Statements } from "../../observe/sqlite.ts";
import type { HomeTransaction } from "../storage/home-db.ts";
import { parseStored } from "../storage/stored-json.ts";
import type { SkillRecord } from "./records.ts";
import { newest } from "./skill-record.ts";

/** A skill that was uninstalled: what its files looked like, so that only our own are removed. */
export interface RemovedSkill {
  readonly id: string;
  readonly keep_data: boolean;
  /** SHA-256 of its entry scripts. */
  readonly scripts: readonly string[];
  /** Digests of its sources. */
  readonly digests: readonly string[];
}

/** Notes that a skill goes. Its generations' numbers are never used again. */
export function storeRemoved(tx: HomeTransaction, record: SkillRecord, keepData: boolean): void {
  const { id, generations } = record;
  tx.sql.run(
    `insert into removed values (?1, ?2, ?3, ?4, ?5, ?6)
     on conflict (skill_id) do update set revision = ?2, last_number = ?3, keep_data = ?4, scripts = ?5, digests = ?6`,
    id,
    tx.revision,
    newest(record).number,
    keepData ? 1 : 0,
    JSON.stringify([...new Set(generations.map(({ script }) => script))]),
    JSON.stringify([...new Set(generations.map(({ digest }) => digest))]),
  );
}

/** Skills that a transaction after `revision` removed and nobody installed again. */
export function removedSince(sql: Statements, revision: number): readonly RemovedSkill[] {
  return sql.all(
    `select * from removed r where revision > ? and not exists (select 1 from skills s where s.id = r.skill_id)
     order by skill_id`,
    revision,
  ).map(toRemoved);
}

function toRemoved(row: Row): RemovedSkill {
  const id = String(row["skill_id"]), what = `the uninstalled skill "${id}"`;
  return {
    id,
    keep_data: row["keep_data"] === 1,
    scripts: parseStored(row["scripts"], what) as string[],
    digests: parseStored(row["digests"], what) as string[],
  };
}
