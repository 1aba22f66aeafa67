import { lstat } from "node:fs/promises";
import { join, relative } from "node:path";
import { digestFiles } from "../../base/digest.ts";
import { type PackageFile, readPackageFiles } from "../../manifest/package-files.ts";
import type { SkillRecord, StoredGeneration } from "../records/records.ts";
import { servingOf, shownGeneration } from "../records/skill-record.ts";
import type { HomeLayout } from "../storage/home-layout.ts";
import { replaceFolder } from "./source-folder.ts";

/**
 * Keeps a copy of the source that serves, else of the newest that is not quarantined. A snapshot lies at its digest,
 * so keeping it again does nothing.
 *
 * @returns its path relative to the home, or null when there is nothing worth keeping
 */
export async function keepSnapshot(layout: HomeLayout, record: SkillRecord): Promise<string | null> {
  const kept = servingOf(record) ?? shownGeneration(record);
  if (kept.status === "quarantined") return record.snapshot;
  const place = layout.snapshot(record.id, kept.digest);
  const isThere = await lstat(place).then(() => true, () => false);
  if (!isThere && !await copySource(layout, kept)) return record.snapshot;
  return relative(layout.dir, place).replaceAll("\\", "/");
}

/** Takes a skill's snapshot again from a build that holds the same. @returns whether there is one */
export async function mendSnapshot(
  layout: HomeLayout,
  { snapshot, generations }: SkillRecord,
): Promise<boolean> {
  const digest = snapshot?.split("/").at(-1);
  for (const generation of generations) {
    if (generation.digest === digest && await copySource(layout, generation)) return true;
  }
  return false;
}

/** A damaged source is no good to keep: then nothing is copied. @returns whether it was copied */
async function copySource(
  layout: HomeLayout,
  { skill_id: id, build, digest }: StoredGeneration,
): Promise<boolean> {
  const files = await readPackageFiles(join(layout.build(id, build), "src")).catch(() => undefined);
  if (files === undefined || digestFiles(files) !== digest) return false;
  await replaceFolder(layout.snapshot(id, digest), layout.staging, files, { readOnly: true });
  return true;
}

/** The files of a skill's snapshot; undefined when there is none, or it is not what was kept. */
export async function readSnapshot(
  layout: HomeLayout,
  { id, snapshot }: SkillRecord,
): Promise<{ readonly digest: string; readonly files: readonly PackageFile[] } | undefined> {
  const digest = snapshot?.split("/").at(-1);
  if (digest === undefined) return undefined;
  const files = await readPackageFiles(layout.snapshot(id, digest)).catch(() => undefined);
  return files !== undefined && digestFiles(files) === digest ? { digest, files } : undefined;
}
