import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { digestTree } from "../../base/digest.ts";
import { canonicalJson } from "../../base/json.ts";
import type { Finding } from "../../manifest/types.ts";
import { readBuild } from "../packages/build.ts";
import { mendSnapshot, readSnapshot } from "../packages/snapshots.ts";
import { repairedFinding } from "../projections/projector.ts";
import type { SkillRecord, StoredGeneration } from "../records/records.ts";
import { readState } from "../state/state-rows.ts";
import { type Home, requireTrusted } from "./home.ts";
import { collectLeftovers } from "./leftovers.ts";

/** Looks at all of a home: the database, every file that shows its state (repaired), every build in use (not repaired). */
export async function checkHome(home: Home): Promise<readonly Finding[]> {
  requireTrusted(home);
  const damage = home.db.integrity().map((line): Finding => ({
    severity: "error",
    rule: "home/database",
    message: `home.db is damaged: ${line}`,
    fix: "put a backup of home.db in its place",
  }));
  if (damage.length > 0) return damage;
  const findings: Finding[] = [...await home.projector.repair()];
  for (const record of home.view.all()) findings.push(...await checkSkill(home, record));
  const gone = await collectLeftovers(home);
  return [...findings, ...gone.map(leftover)];
}

/** Looks whether what is installed of a skill is what was installed. Only a snapshot is repaired. */
export async function checkSkill(home: Home, record: SkillRecord): Promise<readonly Finding[]> {
  requireTrusted(home);
  const findings: Finding[] = [];
  const builds = new Map(record.generations.map((generation) => [generation.build, generation]));
  for (const generation of builds.values()) findings.push(...await checkBuild(home, generation));
  return [...findings, ...await checkSnapshot(home, record), ...await checkState(home, record.id)];
}

async function checkBuild(home: Home, generation: StoredGeneration): Promise<readonly Finding[]> {
  const { skill_id: id, version, build, resolved } = generation;
  const dir = home.layout.build(id, build);
  const found = await readBuild(dir);
  if (found === undefined || canonicalJson(found.resolved) !== canonicalJson(resolved)) {
    return [damaged("home/build", `the build of "${id}" ${version} is missing or changed`)];
  }
  const { digest } = resolved.environment;
  if (digest === null) return [];
  const folder = join(dir, resolved.manifest.isolation === "shared" ? "env" : "venv");
  return await digestTree(folder).catch(() => undefined) === digest
    ? []
    : [damaged("home/environment", `the environment of "${id}" ${version} is missing or changed`)];
}

/** A snapshot that is damaged is taken again, as long as one of the builds holds what it held. */
async function checkSnapshot(home: Home, record: SkillRecord): Promise<readonly Finding[]> {
  const { id, snapshot } = record;
  if (snapshot === null || await readSnapshot(home.layout, record) !== undefined) return [];
  if (await mendSnapshot(home.layout, record)) return [repairedFinding(snapshot)];
  const fix = "a rollback can't go further back than the installed versions: keep a backup of the package";
  return [{ ...damaged("home/snapshot", `the last good source of "${id}" is missing or changed`), fix }];
}

/** What a skill keeps is its own: it is not made anew when it is gone. */
async function checkState({ db, layout }: Home, id: string): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const { folder, schema_version } of readState(db.sql, id)) {
    const path = layout.data(id, folder);
    if (await lstat(path).then((found) => found.isDirectory(), () => false)) continue;
    const fix = "put a backup in its place, or uninstall the skill with its data";
    const message = `the state of "${id}" in schema ${schema_version} is gone: "${path}"`;
    findings.push({ ...damaged("home/state", message), fix });
  }
  return findings;
}

function damaged(rule: string, message: string): Finding {
  return { severity: "error", rule, message, fix: "install the skill again, or roll back" };
}

function leftover(name: string): Finding {
  return {
    severity: "hint",
    rule: "home/leftover",
    message: `the leftover "${name}" of an interrupted change was removed`,
  };
}
