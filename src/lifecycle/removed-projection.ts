import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { digestFiles } from "../base/digest.ts";
import { readPackageFiles } from "../manifest/package-files.ts";
import type { HomeLayout } from "./home-layout.ts";
import type { Projected } from "./projections.ts";
import type { RemovedSkill } from "./removed.ts";

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
export async function removeFolders(layout: HomeLayout, removed: RemovedSkill): Promise<readonly string[]> {
  const { id, keep_data } = removed;
  const runtime = layout.runtime(id);
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
  await remove(source);
  return [];
}

async function remove(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 3 });
}
