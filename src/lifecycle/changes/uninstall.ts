import { SkillError } from "../../base/errors.ts";
import { needsFulfilledBy } from "../dependencies/installed.ts";
import { commit, type Home, requireTrusted } from "../home/home.ts";
import { readInstalled, readSkill, type SkillRecord } from "../records/records.ts";
import { storeRemoved } from "../records/removed.ts";
import type { HomeTransaction } from "../storage/home-db.ts";
import type { Actor } from "../types.ts";

/** What was uninstalled. */
export interface Uninstalled {
  readonly skill_id: string;
  /** In order of their installation. */
  readonly versions: readonly string[];
  /** Whether its data and secrets stay for a later installation. */
  readonly kept_data: boolean;
}

/** Tables that hold rows of a skill, in an order that their references allow. */
const TABLES = ["triggers", "tests", "generations", "builds"] as const;
const DATA_TABLES = ["secrets", "skill_env", "skill_state"] as const;

/**
 * Removes a skill with all its versions, snapshots, logs, data and secrets. What somebody edited in the home stays; so
 * does the audit.
 *
 * @throws {SkillError} `not_found`, `dependency_unsatisfiable` when another installed skill needs it
 */
export async function uninstallSkill(
  home: Home,
  id: string,
  { keepData = false, actor }: { readonly keepData?: boolean; readonly actor?: Actor } = {},
): Promise<Uninstalled> {
  requireTrusted(home);
  home.view.get(id);
  const audit = { actor, action: "uninstall", skill_id: id, details: { keep_data: keepData } };
  return await commit(home, audit, (tx) => {
    const record = readInstalled(tx, id);
    refuseWhatIsNeeded(tx, record);
    storeRemoved(tx, record, keepData);
    removeRows(tx, id, keepData);
    const versions = [...new Set(record.generations.map(({ version }) => version))];
    return { skill_id: id, versions, kept_data: keepData };
  });
}

function removeRows(tx: HomeTransaction, id: string, keepData: boolean): void {
  for (const table of [...TABLES, ...(keepData ? [] : DATA_TABLES)]) {
    tx.sql.run(`delete from ${table} where skill_id = ?`, id);
  }
  tx.sql.run("delete from skills where id = ?", id);
}

/** What leans on a skill goes first. */
function refuseWhatIsNeeded(tx: HomeTransaction, record: SkillRecord): void {
  const needs = needsFulfilledBy(tx.sql, record, (id) => readSkill(tx.sql, id));
  const [first] = needs;
  if (first === undefined) return;
  const { skill_id, version, name, range } = first;
  const others = new Set(needs.map((need) => need.skill_id)).size - 1;
  const more = others > 0 ? `, and so do ${others} more` : "";
  throw new SkillError(
    "dependency_unsatisfiable",
    `"${record.id}" is not uninstalled: "${skill_id} ${version}" needs "${name}" ${range}${more}`,
    { fix: `uninstall "${skill_id}" first`, details: { needed_by: needs } },
  );
}
