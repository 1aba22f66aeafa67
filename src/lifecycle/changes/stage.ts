import { SkillError } from "../../base/errors.ts";
import { type Home, requireTrusted } from "../home/home.ts";
import { makeBuild, readBuild, type StagedBuild } from "../packages/build.ts";
import { type PackageFiles, packageFilesOf } from "../packages/package-text.ts";
import { validatePackage } from "../validation/validate.ts";

/** Writes files into staging. */
export async function stageFiles(
  home: Home,
  files: PackageFiles,
): Promise<{ readonly key: string; readonly dir: string; readonly digest: string }> {
  requireTrusted(home);
  return await home.staging.stage(packageFilesOf(files));
}

/** Validates a staged package and builds it, unless it is built already. */
export async function buildStaged(
  home: Home,
  key: string,
  options: { readonly signal?: AbortSignal } = {},
): Promise<StagedBuild> {
  requireTrusted(home);
  const files = await home.staging.files(key);
  const { build: place, source } = home.layout.staged(key);
  const known = await readBuild(place);
  if (known !== undefined) {
    const { report } = await validatePackage(source, home.building);
    return { key, ...known, findings: report.findings };
  }
  const fresh = await home.staging.temporary();
  const { findings } = await makeBuild(fresh, files, home.building, options);
  await home.staging.moveTo(fresh, place, async () => await readBuild(place) !== undefined);
  const made = await readBuild(place);
  if (made === undefined) {
    throw new SkillError("conflict", "another process took the staged build away", { fix: "try again" });
  }
  return { key, ...made, findings };
}
