import { lstat, readdir, rm } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { readPackageFiles } from "../../manifest/package-files.ts";
import type { Home } from "../home/home.ts";
import { writePackageFiles } from "../packages/source-folder.ts";
import { attempt, validatePackage, type ValidationReport } from "../validation/validate.ts";
import { adaptAgentSkill, isAgentSkill } from "./agent-skill.ts";

const ADDED_SCRIPT = "skill.py";

/** Checks a package where it is, or the one that an Agent Skills folder would become. @throws {SkillError} as `validatePackage` */
export async function validateSource(home: Home, path: string): Promise<ValidationReport> {
  if (!await isAgentSkillFolder(path)) return (await validatePackage(path, home.building)).report;
  const read = await attempt(async () =>
    await adaptAgentSkill(await readPackageFiles(path), home.building, basename(resolve(path)))
  );
  if ("findings" in read) return { ok: false, findings: read.findings };
  const room = await home.staging.temporary();
  try {
    const folder = join(room, "package");
    await writePackageFiles(folder, read.value.files, { durable: false });
    const { report } = await validatePackage(folder, home.building);
    // What is to be said of the script that was added is not for its writer.
    const findings = report.findings.filter(({ severity, file }) =>
      severity === "error" || file !== ADDED_SCRIPT
    );
    return { ...report, findings: [...read.value.findings, ...findings] };
  } finally {
    await rm(room, { recursive: true, force: true });
  }
}

/** Whether a path is a folder of Agent Skills, and no package of another form. */
export async function isAgentSkillFolder(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  return found?.isDirectory() === true && isAgentSkill(await readdir(path));
}
