import { join } from "node:path";
import { readPackageFiles } from "../../manifest/package-files.ts";
import { type PackageFiles, textOf } from "../packages/package-text.ts";
import { shownGeneration } from "../records/skill-record.ts";
import { type Home, requireTrusted } from "./home.ts";

/** The files that were installed, of the generation that serves, else waits to. @throws {SkillError} `not_found`, `untrusted_home` */
export async function installedFiles(home: Home, id: string): Promise<PackageFiles> {
  requireTrusted(home);
  const shown = shownGeneration(home.view.get(id));
  return textOf(await readPackageFiles(join(home.layout.build(id, shown.build), "src")));
}

/** The package in `<home>/<id>`; undefined when it can't be read. @throws {SkillError} `not_found`, `untrusted_home` */
export async function sourceFiles(home: Home, id: string): Promise<PackageFiles | undefined> {
  requireTrusted(home);
  home.view.get(id);
  return await readPackageFiles(home.layout.package(id)).then(textOf, () => undefined);
}
