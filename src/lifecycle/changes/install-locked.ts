import { join } from "node:path";
import { digestFiles } from "../../base/digest.ts";
import { SkillError } from "../../base/errors.ts";
import { nearest } from "../../base/nearest.ts";
import { type PackageFile, readPackageFiles } from "../../manifest/package-files.ts";
import { lockedSource, readLock, type SkillsLock } from "../dependencies/lock.ts";
import { requireDependencies } from "../dependencies/missing.ts";
import { type Home, requireTrusted } from "../home/home.ts";
import { candidateOf, servingOf, skillInfo } from "../records/skill-record.ts";
import { type FetchedPackage, fetchSource, packageOf } from "../sources/fetch-source.ts";
import type { SkillInfo } from "../types.ts";
import { installFiles, type InstallOptions } from "./install.ts";

/** What came of installing a lock. */
export interface InstalledLock {
  /** What was installed just now, in this order. */
  readonly installed: readonly SkillInfo[];
  /** All that was asked for, what is needed first; `serves`: it served when the lock was written. */
  readonly locked: readonly { readonly id: string; readonly serves: boolean }[];
}

type LockedSkill = SkillsLock["skills"][string];

/**
 * Installs exactly what `skills.lock` says: the same files, the same Python packages, what is needed first. What is
 * installed so already is left alone. Files come from the home where they are the locked ones, else from where the
 * skill came from.
 *
 * @param given one package, to install only that and what it needs. Default: all of the lock
 * @throws {SkillError} `not_found` without a lock, `digest_mismatch` where bytes differ, `source_unreachable`
 */
export async function installLocked(
  home: Home,
  options: InstallOptions = {},
  given?: FetchedPackage,
): Promise<InstalledLock> {
  requireTrusted(home);
  const lock = await readLock(home);
  const ids = given === undefined ? Object.keys(lock.skills).sort() : [given.id];
  const order: string[] = [];
  for (const id of ids) visit(lock, id, order, []);
  if (given !== undefined) requireLocked(lock, given);
  const done: SkillInfo[] = [];
  for (const id of order) {
    const entry = lockedSkill(lock, id);
    const own = id === given?.id;
    if (!own && isInstalled(home, id, entry)) continue;
    const files = own ? given.files : await lockedFiles(home, id, entry, options);
    await requireDependencies(home, (await packageOf(home, files)).manifest);
    const info = await installFiles(home, files, id, {
      ...options,
      origin: "skills.lock",
      ...(entry.source === undefined ? {} : { source: lockedSource(home, entry.source) }),
      pins: entry.python ?? "",
      fulfilled: true,
    });
    if (!own) options.onDependency?.(info);
    done.push(info);
  }
  return { installed: done, locked: order.map((id) => ({ id, serves: lockedSkill(lock, id).serves })) };
}

/** Installs a package as `skills.lock` says, and before it what it needs. @throws {SkillError} as `installLocked` */
export async function installFrozen(
  home: Home,
  source: string,
  options: InstallOptions,
): Promise<SkillInfo> {
  requireTrusted(home);
  options.onStage?.("read");
  const given = await fetchSource(home, source, options.signal, options.offline);
  const { installed } = await installLocked(home, options, given);
  return installed.at(-1) ?? skillInfo(home.view.get(given.id));
}

/** What is needed goes first. The lock is a file that people edit: it may go round. */
function visit(lock: SkillsLock, id: string, order: string[], above: readonly string[]): void {
  if (order.includes(id)) return;
  if (above.includes(id)) {
    throw new SkillError("invalid_input", `skills.lock goes round: ${[...above, id].join(" -> ")}`, {
      fix: "write it anew: skillwright lock",
    });
  }
  for (const need of lockedSkill(lock, id).needs) visit(lock, need, order, [...above, id]);
  order.push(id);
}

function lockedSkill({ skills }: SkillsLock, id: string): LockedSkill {
  const entry = Object.hasOwn(skills, id) ? skills[id] : undefined;
  if (entry !== undefined) return entry;
  const near = nearest(id, Object.keys(skills));
  throw new SkillError("digest_mismatch", `"${id}" does not stand in skills.lock`, {
    fix: near === undefined
      ? "install it without --frozen, then: skillwright lock"
      : `did you mean "${near}"`,
    details: { id },
  });
}

function requireLocked(lock: SkillsLock, { id, files }: FetchedPackage): void {
  const found = digestFiles(files), { digest, version } = lockedSkill(lock, id);
  if (found === digest) return;
  throw new SkillError("digest_mismatch", `these are not the files of "${id}" ${version} in skills.lock`, {
    fix: "install it without --frozen, then: skillwright lock",
    details: { id, expected: digest, found },
  });
}

function isInstalled({ view }: Home, id: string, { digest, python = "" }: LockedSkill): boolean {
  const record = view.find(id);
  if (record === undefined) return false;
  return [servingOf(record), candidateOf(record)].some((one) =>
    one?.digest === digest && one.resolved.environment.pins === python
  );
}

/** The files of a locked skill, from the first place that has these very ones. */
async function lockedFiles(
  home: Home,
  id: string,
  { digest, version, source }: LockedSkill,
  { offline, signal }: InstallOptions,
): Promise<readonly PackageFile[]> {
  const { layout } = home;
  for (const folder of [layout.package(id), layout.snapshot(id, digest), ...buildsOf(home, id, digest)]) {
    const files = await readPackageFiles(folder).catch(() => undefined);
    if (files !== undefined && digestFiles(files) === digest) return files;
  }
  const what = `"${id}" ${version} of skills.lock`;
  if (source === undefined) {
    throw new SkillError("source_unreachable", `${what} is not in the home`, {
      fix: `put its package into "${layout.package(id)}"`,
    });
  }
  const { files } = await fetchSource(home, lockedSource(home, source), signal, offline)
    .catch((error: unknown) => gone(error, what, layout.package(id)));
  const found = digestFiles(files);
  if (found === digest) return files;
  throw new SkillError("digest_mismatch", `${what} is other bytes now where it came from`, {
    fix: "bring the old ones back, or install the new ones without --frozen and lock again",
    details: { id, source, expected: digest, found },
  });
}

function gone(error: unknown, what: string, place: string): never {
  if (!SkillError.isInstance(error) || error.code !== "not_found") throw error;
  throw new SkillError(
    "source_unreachable",
    `${what} is neither in the home nor where it came from: ${error.message}`,
    { cause: error, fix: `put its package into "${place}"` },
  );
}

function buildsOf({ view, layout }: Home, id: string, digest: string): readonly string[] {
  const own = view.find(id)?.generations.filter((one) => one.digest === digest) ?? [];
  return [...new Set(own.map(({ build }) => join(layout.build(id, build), "src")))];
}
