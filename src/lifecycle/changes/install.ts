import { existsSync } from "node:fs";
import { join } from "node:path";
import { digestFiles } from "../../base/digest.ts";
import { SkillError } from "../../base/errors.ts";
import type { PackageFile } from "../../manifest/package-files.ts";
import { looksLike } from "../../manifest/skill-id.ts";
import { missingDependencies, requireDependencies, requireFulfilled } from "../dependencies/missing.ts";
import { commit, type Home, requireTrusted } from "../home/home.ts";
import { type Build, makeBuild, readBuild } from "../packages/build.ts";
import { throwIfCancelled } from "../packages/cancel.ts";
import { type PackageFiles, packageFilesOf } from "../packages/package-text.ts";
import { keepSnapshot } from "../packages/snapshots.ts";
import {
  insertGeneration,
  moveGeneration,
  readInstalled,
  readSkill,
  type SkillRecord,
  storeTests,
  touchSkill,
} from "../records/records.ts";
import { candidateOf, freeSlot, newest, servingOf, skillInfo } from "../records/skill-record.ts";
import { appendSlotLog } from "../records/slot-log.ts";
import { type FetchedPackage, fetchSource } from "../sources/fetch-source.ts";
import type { HomeTransaction } from "../storage/home-db.ts";
import { parseStored } from "../storage/stored-json.ts";
import type { TestReport } from "../test-report.ts";
import { compactReport } from "../testing/test-build.ts";
import type { Actor, SkillInfo } from "../types.ts";
import { buildStaged } from "./stage.ts";
import { addSentences } from "./triggers.ts";

/** How a package is installed. */
export interface InstallOptions {
  readonly actor?: Actor;
  /** Installs nothing but what `skills.lock` says, byte for byte. Default false. */
  readonly frozen?: boolean;
  /** Asks no network: what is not at hand is an error. Default false. */
  readonly offline?: boolean;
  readonly test?: boolean;
  readonly signal?: AbortSignal;
  /** Sentences kept as triggers besides the manifest's: the intent that a skill was made for. */
  readonly triggers?: readonly string[];
  /** Told what is begun: `read`, `validate`, `build`, `install`, `test`. */
  readonly onStage?: (stage: string) => void;
  /** Told of each skill that was installed before, because this one needs it. */
  readonly onDependency?: (info: SkillInfo) => void;
}

type Options = InstallOptions & {
  readonly tests?: TestReport;
  /** Where the package came from, for the audit. */
  readonly origin?: string;
  /** The same such that it can be fetched again: where `update` looks. */
  readonly source?: string;
  /** For whose sake it is installed, for the audit. */
  readonly neededBy?: string;
  /** Python packages with hashes that it must get, as a requirements file: those of a lock. Default: they are resolved. */
  readonly pins?: string;
  /** What it needs was there; it must still be when it is registered. Default false: a rollback asks for nothing. */
  readonly fulfilled?: boolean;
};
type Placed = Omit<Build, "findings">;

/** Installs a package from where it is, as a candidate. */
export async function installSource(
  home: Home,
  source: string,
  options: InstallOptions = {},
): Promise<SkillInfo> {
  requireTrusted(home);
  options.onStage?.("read");
  const { signal, offline } = options;
  return await installFetched(home, await fetchSource(home, source, signal, offline), options);
}

/**
 * Installs a package that was read, and before it what it needs of the packages in the home.
 *
 * @throws {SkillError} `dependency_unsatisfiable` before anything is built
 */
export async function installFetched(
  home: Home,
  { files, id, manifest, origin, source }: FetchedPackage,
  options: InstallOptions = {},
): Promise<SkillInfo> {
  for (const offer of await missingDependencies(home, manifest)) {
    const { actor, signal, onStage, onDependency, offline } = options;
    const needed = await fetchSource(home, home.layout.package(offer.id), signal);
    if (needed.id !== offer.id || needed.version !== offer.version) throw editedMeanwhile(offer.id);
    const info = await installFiles(home, needed.files, offer.id, {
      ...(actor === undefined ? {} : { actor }),
      ...(signal === undefined ? {} : { signal }),
      ...(onStage === undefined ? {} : { onStage }),
      ...(offline === undefined ? {} : { offline }),
      origin: needed.origin,
      source: needed.source,
      neededBy: id,
      fulfilled: true,
    });
    onDependency?.(info);
  }
  return await installFiles(home, files, id, { ...options, origin, source, fulfilled: true });
}

/** Installs the files of a package as a candidate. */
export async function installFiles(
  home: Home,
  files: readonly PackageFile[],
  id: string,
  options: Options = {},
): Promise<SkillInfo> {
  const known = await alreadyInstalled(home, id, digestFiles(files), options);
  if (known !== undefined) return known;
  throwIfCancelled(options.signal);
  const dir = await home.staging.temporary();
  try {
    return await register(home, await makeBuild(dir, files, home.building, options), options);
  } finally {
    // It is gone, unless something failed on the way.
    await home.staging.forget(dir);
  }
}

/** Installs what was staged, built and tested; when staging was lost, it is made again from the proposal of the same bytes. */
export async function installStaged(home: Home, key: string, options: Options = {}): Promise<SkillInfo> {
  requireTrusted(home);
  return await home.installs.run(key, () => installOnce(home, key, options));
}

/** Who comes second finds it installed: staging is gone by then. */
async function installOnce(home: Home, key: string, options: Options): Promise<SkillInfo> {
  const holder = home.view.all().find((record) =>
    [candidateOf(record), servingOf(record)].some((one) => one?.digest === key)
  );
  const same = holder === undefined ? undefined : await alreadyInstalled(home, holder.id, key, options);
  if (same !== undefined) return await discarded(home, key, same);
  const staged = await readBuild(home.layout.staged(key).build);
  const build = staged ?? await rebuild(home, key, options);
  const { manifest } = build.resolved;
  await requireDependencies(home, manifest);
  const known = await alreadyInstalled(home, manifest.id, build.digest, options);
  const checked = { ...options, fulfilled: true };
  return await discarded(home, key, known ?? await register(home, build, checked));
}

async function discarded(home: Home, key: string, info: SkillInfo): Promise<SkillInfo> {
  // It is installed, whatever can't be removed now.
  await home.staging.discard(key).catch(() => {});
  return info;
}

async function rebuild(home: Home, key: string, options: Options): Promise<Placed> {
  const row = home.db.sql.get("select body from proposals where digest = ? limit 1", key);
  const proposed = row === undefined
    ? undefined
    : parseStored(row["body"], `the proposal of "${key}"`) as { readonly files: PackageFiles };
  const staged = await home.staging.files(key).catch((error: unknown) => {
    if (proposed === undefined) throw error;
    return undefined;
  });
  if (staged === undefined && proposed !== undefined) {
    await home.staging.stage(packageFilesOf(proposed.files));
  }
  await buildStaged(home, key, options.signal === undefined ? {} : { signal: options.signal });
  const made = await readBuild(home.layout.staged(key).build);
  if (made !== undefined) return made;
  throw new SkillError("conflict", "another process took the staged build away", { fix: "try again" });
}

/** The same bytes are not installed twice while they serve or wait to. */
async function alreadyInstalled(
  home: Home,
  id: string,
  digest: string,
  options: Options,
): Promise<SkillInfo | undefined> {
  const record = home.view.find(id);
  if (record === undefined) return undefined;
  const same = [candidateOf(record), servingOf(record)].find((one) => one?.digest === digest);
  if (same === undefined) return undefined;
  if (await readBuild(home.layout.build(id, same.build)) === undefined) return undefined;
  const { tests, actor, triggers = [], pins } = options;
  if (pins !== undefined && same.resolved.environment.pins !== pins) return undefined;
  const news = triggers.length > 0 || (tests !== undefined && same.tests === null);
  if (news) {
    await commit(home, { actor, action: "install", skill_id: id, digest, details: { again: true } }, (tx) => {
      touchSkill(tx, id, "other");
      addSentences(tx, id, triggers);
      if (tests !== undefined && same.tests === null) storeTests(tx, same, compactReport(tests));
      markInstalled(tx, digest);
    });
  }
  const now = home.view.find(id) ?? record;
  return skillInfo(now, now.generations.find(({ number }) => number === same.number));
}

/** Places a build and commits a generation of it. */
async function register(home: Home, build: Placed, options: Options): Promise<SkillInfo> {
  const { id, version } = build.resolved.manifest;
  const { actor, signal, onStage, origin, source, neededBy } = options;
  return await home.placement.place(build, async () => {
    for (;;) {
      throwIfCancelled(signal);
      onStage?.("install");
      const before = home.view.find(id);
      const snapshot = before === undefined ? null : await keepSnapshot(home.layout, before);
      const audit = {
        actor,
        action: "install",
        skill_id: id,
        digest: build.digest,
        details: {
          version,
          build: build.build,
          ...(origin === undefined ? {} : { origin }),
          ...(neededBy === undefined ? {} : { needed_by: neededBy }),
          ...(source === undefined ? {} : { source }),
        },
      };
      const done = await commit(home, audit, (tx) => {
        const number = insert(tx, home, before, build, snapshot, options);
        return { number, now: readInstalled(tx, id) };
      }).catch(retry);
      if (done === undefined) continue;
      // As it was committed: the next moment it may be another's, or gone.
      const { now } = done;
      const fresh = now.generations.find(({ number }) => number === done.number) ?? newest(now);
      await appendSlotLog(
        home.layout,
        fresh,
        "install",
        `installed ${id} ${version}, digest ${build.digest}`,
      );
      return skillInfo(now, fresh);
    }
  });
}

function insert(
  tx: HomeTransaction,
  home: Home,
  before: SkillRecord | undefined,
  build: Placed,
  snapshot: string | null,
  { tests, triggers = [], fulfilled = false }: Options,
): number {
  const { id, version } = build.resolved.manifest;
  const now = readSkill(tx.sql, id);
  if (now?.state !== before?.state) throw new Moved();
  if (now === undefined) refuseLookAlike(tx, id);
  if (fulfilled) requireFulfilled(tx.sql, build.resolved.manifest);
  if (!existsSync(join(home.layout.build(id, build.build), "resolved.manifest.json"))) {
    throw new SkillError("conflict", `the build of "${id}" was taken away while it was installed`, {
      fix: "try again",
    });
  }
  const twin = now === undefined
    ? undefined
    : [candidateOf(now), servingOf(now)].find((one) => one?.build === build.build);
  if (twin !== undefined) {
    touchSkill(tx, id, "other");
    addSentences(tx, id, triggers);
    return twin.number;
  }
  touchSkill(tx, id, "state");
  const old = now === undefined ? undefined : candidateOf(now);
  if (old !== undefined) {
    const steps = old.status === "pending" ? ["testing", "disabled"] as const : ["disabled"] as const;
    moveGeneration(tx, old, steps, `superseded by ${version}`);
  }
  const number = insertGeneration(tx, {
    skill_id: id,
    version,
    slot: freeSlot(now, version),
    build: build.build,
    digest: build.digest,
    script: build.script,
    resolved: build.resolved,
  });
  if (snapshot !== null) tx.sql.run("update skills set snapshot = ? where id = ?", snapshot, id);
  addSentences(tx, id, triggers);
  if (tests !== undefined) {
    storeTests(tx, { skill_id: id, number }, compactReport(tests));
  }
  markInstalled(tx, build.digest);
  return number;
}

/** Who reads the names of tools must not take a new skill for one that is trusted. */
function refuseLookAlike(tx: HomeTransaction, id: string): void {
  const twin = tx.sql.all("select id from skills").map((row) => String(row["id"])).find((other) =>
    other !== id && looksLike(other, id)
  );
  if (twin === undefined) return;
  throw new SkillError("invalid_manifest", `the id "${id}" reads like the installed skill "${twin}"`, {
    fix: "choose another id; to replace that skill, use its id",
    details: { id, twin },
  });
}

/** An approved proposal of these bytes is done. */
function markInstalled(tx: HomeTransaction, digest: string): void {
  tx.sql.run("update proposals set status = 'installed' where digest = ? and status = 'approved'", digest);
}

function editedMeanwhile(id: string): SkillError {
  return new SkillError("conflict", `the package "${id}" in the home was changed meanwhile`, {
    fix: "try again",
  });
}

/** The skill changed between the look and the transaction: look again. */
class Moved extends Error {}

function retry(error: unknown): undefined {
  if (!(error instanceof Moved)) throw error;
  return undefined;
}
