import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { syncFolder, unlessGone } from "../../base/atomic-file.ts";
import { sha256 } from "../../base/digest.ts";
import type { Finding } from "../../manifest/types.ts";
import { projectSource } from "../packages/source-folder.ts";
import type { HomeView } from "../records/home-view.ts";
import { idsChangedSince, type SkillRecord } from "../records/records.ts";
import { removedSince, type RemovedSkill } from "../records/removed.ts";
import { readSkillEnv } from "../records/skill-env.ts";
import { shownGeneration } from "../records/skill-record.ts";
import { secretsFile } from "../secrets/secret-store.ts";
import type { HomeDb } from "../storage/home-db.ts";
import type { HomeLayout } from "../storage/home-layout.ts";
import { driftFinding, type Projected, type ProjectionPlace, projectPath } from "./projections.ts";
import { RegistryLines } from "./registry-lines.ts";
import { projectRemovedScripts, removeFolders } from "./removed-projection.ts";
import { projectSkill } from "./skill-projection.ts";

const REPAIRED = "home/repaired";

/**
 * Keeps the files that people and other programs read equal to `home.db`. They are brought up after a commit, under
 * the writers' lock, so that an older state never overwrites a newer one; the revision that they show is noted in the
 * same transaction, so a kill at any point is seen and repaired at the next start.
 */
export class Projector {
  readonly #layout: HomeLayout;
  readonly #db: HomeDb;
  readonly #view: HomeView;
  readonly #place: ProjectionPlace;
  readonly #lines: RegistryLines;

  constructor(layout: HomeLayout, db: HomeDb, view: HomeView) {
    this.#layout = layout;
    this.#db = db;
    this.#view = view;
    this.#lines = new RegistryLines(db);
    this.#place = { staging: layout.staging, changed: new Set() };
  }

  /** Brings up what changed since the files were last brought up. The findings name edited files and damaged builds. */
  async bringUp(): Promise<readonly Finding[]> {
    if (this.#db.projected === this.#db.revision) return [];
    const findings: Finding[] = [];
    await this.#project(async () => {
      const { projected, sql } = this.#db;
      findings.push(...await this.#bring(idsChangedSince(sql, projected), removedSince(sql, projected)));
    });
    return findings.filter(({ rule }) => rule !== REPAIRED);
  }

  /** Compares every projected path with the state and repairs it. The findings say what was repaired too. */
  async repair(): Promise<readonly Finding[]> {
    const findings: Finding[] = [];
    await this.#project(async () => {
      this.#lines.forget();
      findings.push(...await this.#bring(this.#view.ids(), []));
      // What lies where a removed skill was may be somebody's by now: that is no finding.
      for (const removed of removedSince(this.#db.sql, -1)) await this.#removed(removed);
    });
    return findings;
  }

  /** What is noted as brought up must not be gone after a power cut: nothing would look for it again. */
  async #project(work: () => Promise<void>): Promise<void> {
    await this.#db.project(async () => {
      await work();
      for (const folder of this.#place.changed) await syncFolder(folder).catch(unlessGone);
      this.#place.changed.clear();
    });
  }

  async #bring(ids: readonly string[], removed: readonly RemovedSkill[]): Promise<readonly Finding[]> {
    const findings: Finding[] = [];
    for (const one of removed) findings.push(...await this.#removed(one));
    for (const id of ids) {
      const record = this.#view.find(id);
      if (record !== undefined) findings.push(...await this.#skill(record));
    }
    const common = ids.length + removed.length > 0
      ? [this.#registry(), this.#homeSecrets()]
      : [this.#homeSecrets()];
    return [...findings, ...await this.#apply(common)];
  }

  async #removed(removed: RemovedSkill): Promise<readonly Finding[]> {
    const findings = await this.#apply(projectRemovedScripts(this.#layout, removed));
    const edited = await removeFolders(this.#layout, removed, this.#place);
    return [...findings, ...edited.map((path) => driftFinding(relative(this.#layout.dir, path)))];
  }

  async #skill(record: SkillRecord): Promise<readonly Finding[]> {
    const parts = new Map<string, readonly string[]>();
    for (const { build } of record.generations) {
      parts.set(build, await names(this.#layout.build(record.id, build)));
    }
    const shown = shownGeneration(record);
    const entry = join(this.#layout.build(record.id, shown.build), "src", shown.resolved.manifest.entry_file);
    const found = await readFile(entry).catch(() => undefined);
    // A damaged script must not take the place of the sound one that people see.
    const script = found !== undefined && sha256(found) === shown.script ? found : undefined;
    const wanted = projectSkill(this.#layout, record, { script, parts: (build) => parts.get(build) ?? [] });
    const findings = [...await this.#apply([...wanted, ...this.#data(record.id)])];
    await projectSource(this.#layout, record);
    if (script === undefined) findings.push(damagedBuild(record.id, shown.version));
    return findings;
  }

  async #apply(wanted: readonly Projected[]): Promise<readonly Finding[]> {
    const findings: Finding[] = [];
    for (const one of wanted) {
      const result = await projectPath(one, this.#place);
      const path = relative(this.#layout.dir, one.path).replaceAll("\\", "/");
      if (result === "drift") findings.push(driftFinding(path));
      if (result === "written") findings.push(repairedFinding(path));
    }
    return findings;
  }

  /** What a skill keeps over all its versions. */
  #data(id: string): readonly Projected[] {
    const env = readSkillEnv(this.#db.sql, id);
    const text = Object.keys(env).length === 0 ? undefined : `${JSON.stringify(env, null, 2)}\n`;
    return [
      privateFile(this.#layout.secrets(id), secretsFile(this.#db, id)),
      privateFile(this.#layout.skillEnv(id), text),
    ];
  }

  #homeSecrets(): Projected {
    return privateFile(this.#layout.homeSecrets, secretsFile(this.#db, null));
  }

  #registry(): Projected {
    return { kind: "file", path: this.#layout.registry, bytes: this.#lines.text() };
  }
}

/** A file for this user only; absent without bytes. */
function privateFile(path: string, bytes: string | undefined): Projected {
  return bytes === undefined ? { kind: "absent", path } : { kind: "file", path, bytes, mode: 0o600 };
}

async function names(folder: string): Promise<readonly string[]> {
  return await readdir(folder).catch(() => []);
}

/** The finding for a file that was not as it must be, and is now. */
export function repairedFinding(path: string): Finding {
  const message = `"${path}" did not show the state of the home and was written anew`;
  return { severity: "hint", rule: REPAIRED, message, file: path };
}

function damagedBuild(id: string, version: string): Finding {
  return {
    severity: "error",
    rule: "home/build-missing",
    message: `the build of "${id}" ${version} is missing or damaged`,
    fix: "install the skill again, or roll back",
  };
}
