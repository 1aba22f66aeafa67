import type { Home } from "../home/home.ts";
import type { StoredGeneration } from "../records/records.ts";

/** Where a generation came from, as its installation noted; undefined when nothing is known of it. */
export function knownSource(
  { db }: Pick<Home, "db">,
  { skill_id: id, digest }: Pick<StoredGeneration, "skill_id" | "digest">,
): string | undefined {
  const row = db.sql.get(
    `select details ->> 'source' as source from audit
     where skill_id = ? and digest = ? and action = 'install' and details ->> 'source' is not null
     order by revision desc limit 1`,
    id,
    digest,
  );
  return row === undefined ? undefined : String(row["source"]);
}
