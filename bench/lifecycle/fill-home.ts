import { Buffer } from "node:buffer";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { digestFiles, sha256 } from "../../src/base/digest.ts";
import { HomeDb, type HomeTransaction } from "../../src/lifecycle/storage/home-db.ts";
import { type HomeLayout, homeLayout } from "../../src/lifecycle/storage/home-layout.ts";
import type { Projected } from "../../src/lifecycle/projections/projections.ts";
import {
  insertGeneration,
  moveGeneration,
  readSkill,
  type SkillRecord,
  type StoredGeneration,
  storeTests,
  touchSkill,
} from "../../src/lifecycle/records/records.ts";
import { buildDigest } from "../../src/lifecycle/validation/resolve.ts";
import { newest } from "../../src/lifecycle/records/skill-record.ts";
import { projectSkill } from "../../src/lifecycle/projections/skill-projection.ts";
import type { ResolvedManifest } from "../../src/lifecycle/types.ts";
import { type PackageFile, readPackageFiles } from "../../src/manifest/package-files.ts";

/**
 * Fills a home, in which nothing is open, up to `count` active skills. The one that was installed there is the model
 * of the others: each gets a package, a build, a generation with its tests, slots, links and markers of its own, as
 * installing it would have left them, written by the product's own functions but without waiting for the disk.
 */
export async function fillHome(dir: string, model: string, count: number): Promise<void> {
  const layout = homeLayout(dir);
  const db = await HomeDb.open(layout.db);
  try {
    const record = requireSkill(db, model);
    const files = await readPackageFiles(layout.package(model));
    const copies = Array.from({ length: count - 1 }, (_, index) => copyOf(newest(record), files, index));
    await db.write({ action: "install", details: { filled: count } }, (tx) => {
      for (const copy of copies) insertActive(tx, copy.generation);
    });
    const parts = (await readdir(layout.build(model, newest(record).build))).sort();
    for (const copy of copies) {
      writeBuild(layout, copy);
      const contents = { script: scriptOf(copy), parts: () => parts };
      for (const one of projectSkill(layout, requireSkill(db, copy.generation.skill_id), contents)) {
        write(one);
      }
    }
    // Everything but the registry file, which any change writes anew.
    await db.project(() => Promise.resolve());
  } finally {
    await db.close();
  }
}

interface Copy {
  readonly generation: StoredGeneration;
  readonly files: readonly PackageFile[];
}

function copyOf(model: StoredGeneration, modelFiles: readonly PackageFile[], index: number): Copy {
  const id = `skill_${String(index).padStart(5, "0")}`, name = `Skill ${index}`;
  const described = (text: string): string =>
    text.replaceAll(`"${model.skill_id}"`, `"${id}"`).replaceAll(`"${model.name}"`, `"${name}"`);
  const files = modelFiles.map((file) =>
    file.path === "manifest.toml" ? { ...file, bytes: Buffer.from(described(file.bytes.toString())) } : file
  );
  const digest = digestFiles(files);
  const { resolved: { manifest, ...resolved } } = model;
  const own: ResolvedManifest = { ...resolved, digest, manifest: { ...manifest, id, name } };
  const generation = { ...model, skill_id: id, name, digest, resolved: own, build: buildDigest(own) };
  return { files, generation };
}

function insertActive(tx: HomeTransaction, copy: StoredGeneration): void {
  touchSkill(tx, copy.skill_id, "state");
  const number = insertGeneration(tx, copy);
  const fresh = { ...copy, number, status: "pending" as const };
  if (copy.tests !== null) storeTests(tx, fresh, copy.tests);
  moveGeneration(tx, fresh, ["testing", "active"]);
}

function writeBuild(layout: HomeLayout, { generation: { skill_id, build, resolved }, files }: Copy): void {
  const dir = layout.build(skill_id, build);
  for (const folder of [join(dir, "src"), layout.package(skill_id)]) {
    for (const { path, bytes } of files) writeText(join(folder, path), bytes);
  }
  writeText(join(dir, "resolved.manifest.json"), `${JSON.stringify(resolved, null, 2)}\n`);
}

function scriptOf({ generation: { script }, files }: Copy): Uint8Array | undefined {
  return files.find(({ bytes }) => sha256(bytes) === script)?.bytes;
}

function write(wanted: Projected): void {
  if (wanted.kind === "folder") mkdirSync(wanted.path, { recursive: true });
  if (wanted.kind === "file") writeText(wanted.path, wanted.bytes);
  if (wanted.kind === "link") symlinkSync(wanted.target, wanted.path);
}

function writeText(path: string, bytes: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
}

function requireSkill(db: HomeDb, id: string): SkillRecord {
  const record = readSkill(db.sql, id);
  if (record === undefined) throw new RangeError(`"${id}" is not in the home`);
  return record;
}
