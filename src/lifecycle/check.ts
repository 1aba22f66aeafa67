import { digestTree } from "../base/digest.ts";
import { join } from "node:path";
import type { Finding } from "../manifest/types.ts";
import { readBuild } from "./build.ts";
import { type Home, requireTrusted } from "./home.ts";
import type { StoredGeneration } from "./records.ts";

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
  for (const record of home.view.all()) {
    const builds = new Map(record.generations.map((generation) => [generation.build, generation]));
    for (const generation of builds.values()) findings.push(...await checkBuild(home, generation));
  }
  await home.placement.collect();
  const gone = await home.staging.collect();
  return [...findings, ...gone.map(leftover)];
}

async function checkBuild(home: Home, generation: StoredGeneration): Promise<readonly Finding[]> {
  const { skill_id: id, version, build, resolved } = generation;
  const dir = home.layout.build(id, build);
  if (await readBuild(dir) === undefined) {
    return [damaged("home/build", `the build of "${id}" ${version} is missing or changed`)];
  }
  const { digest } = resolved.environment;
  if (digest === null) return [];
  const folder = join(dir, resolved.manifest.isolation === "shared" ? "env" : "venv");
  const found = await digestTree(folder).catch(() => undefined);
  return found === digest
    ? []
    : [damaged("home/environment", `the environment of "${id}" ${version} is missing or changed`)];
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
