import type { PythonManifest } from "../../manifest/types.ts";
import type { Statements } from "../../observe/sqlite.ts";
import type { SkillRecord, StoredGeneration } from "../records/records.ts";
import { candidateOf, servingOf, shownGeneration } from "../records/skill-record.ts";
import { fulfils, type Offer } from "./resolve.ts";

/** A need of an installed skill that another one fulfils. */
export interface SkillNeed {
  /** Who needs it. */
  readonly skill_id: string;
  readonly version: string;
  /** What it needs, and in which range. */
  readonly name: string;
  readonly range: string;
  /** Whether the version that needs it serves. */
  readonly serving: boolean;
}

/** What a manifest says about others. */
export function offerOf(manifest: PythonManifest, installed: boolean): Offer {
  const { id, version, dependencies, provides = {} } = manifest;
  return { id, version, dependencies, provides, installed };
}

/** The versions of a skill that others can lean on, the best first: serving, candidate, else a disabled one. */
export function installedOffers(record: SkillRecord): readonly Offer[] {
  return leaningOn(record).filter(({ status }) => status !== "quarantined").map(({ resolved }) =>
    offerOf(resolved.manifest, true)
  );
}

/** Ids of skills that have one of these names as a key of their manifest: much fewer than all, some of them in vain. */
export function idsMentioning(sql: Statements, names: Iterable<string>): ReadonlySet<string> {
  const found = new Set<string>();
  for (const name of names) {
    const rows = sql.all("select distinct skill_id from builds where instr(resolved, ?)", `"${name}":`);
    for (const row of rows) found.add(String(row["skill_id"]));
  }
  return found;
}

/**
 * Needs of other installed skills that this one fulfils and no other would.
 *
 * @param read gives an installed skill by its id
 */
export function needsFulfilledBy(
  sql: Statements,
  record: SkillRecord,
  read: (id: string) => SkillRecord | undefined,
): readonly SkillNeed[] {
  const own = installedOffers(record);
  const names = new Set(own.flatMap(({ id, provides }) => [id, ...Object.keys(provides)]));
  const others = [...idsMentioning(sql, names)].filter((id) => id !== record.id).sort().map(read).filter((
    one,
  ) => one !== undefined);
  const rest = others.flatMap(installedOffers);
  // what stands under the very id of a need mentions it nowhere else
  const byId = [...names].filter((name) => name !== record.id).map(read).filter((one) => one !== undefined);
  rest.push(...byId.filter(({ id }) => id !== record.id).flatMap(installedOffers));
  return others.flatMap((other) => leaningOn(other).flatMap((one) => needsOf(one))).filter((
    { skill_id, name, range },
  ) =>
    own.some((offer) => fulfils(offer, name, range)) &&
    !rest.some((offer) => offer.id !== skill_id && fulfils(offer, name, range))
  );
}

/** The generations of a skill that count: those that serve or wait to, else the one that served last. */
function leaningOn(record: SkillRecord): readonly StoredGeneration[] {
  const live = [servingOf(record), candidateOf(record)].filter((one) => one !== undefined);
  return live.length > 0 ? live : [shownGeneration(record)];
}

function needsOf({ skill_id, version, status, resolved }: StoredGeneration): readonly SkillNeed[] {
  return Object.entries(resolved.manifest.dependencies).map(([name, range]) => ({
    skill_id,
    version,
    name,
    range,
    serving: status === "active",
  }));
}
