import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { digestFiles } from "../../base/digest.ts";
import { readPackageFiles } from "../../manifest/package-files.ts";
import type { RemovedSkill } from "../records/removed.ts";
import type { HomeLayout } from "../storage/home-layout.ts";
import { trashName } from "../storage/leases.ts";
import type { Projected, ProjectionPlace } from "./projections.ts";

/** The files of an uninstalled skill that somebody may have edited: gone, unless they were. */
export function projectRemovedScripts(layout: HomeLayout, removed: RemovedSkill): readonly Projected[] {
  const ours = (digest: string): boolean => removed.scripts.includes(digest);
  return [layout.script(removed.id), layout.disabledScript(removed.id)].map((path) => ({
    kind: "absent",
    path,
    ours,
  }));
}

/**
 * Removes the folders of an uninstalled skill: snapshots, builds, slots, its source unless somebody works in it, and its
 * data unless that is kept.
 *
 * @returns folders that stayed because they were edited
 */
export async function removeFolders(
  layout: HomeLayout,
  removed: RemovedSkill,
  { staging, changed }: ProjectionPlace,
): Promise<readonly string[]> {
  const { id, keep_data } = removed;
  const runtime = layout.runtime(id);
  const remove = async (path: string): Promise<void> => {
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
    changed.add(dirname(path));
  };
  await remove(layout.snapshots(id));
  for (const name of await readdir(runtime).catch(() => [])) {
    if (!keep_data || name !== "data") await remove(join(runtime, name));
  }
  if (!keep_data) await remove(runtime);
  const source = layout.package(id);
  const found = await readPackageFiles(source).then(digestFiles, () => undefined);
  if (found === undefined || !removed.digests.includes(found)) {
    return await readdir(source).then(() => [source], () => []);
  }
  // In one step: of a part of it nobody could say whether somebody had edited it.
  const away = join(staging, trashName());
  await mkdir(staging, { recursive: true, mode: 0o700 });
  await rename(source, away);
  changed.add(layout.dir);
  await remove(away);
  return [];
}
