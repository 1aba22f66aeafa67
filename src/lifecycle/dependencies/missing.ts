import { SkillError } from "../../base/errors.ts";
import type { PythonManifest } from "../../manifest/types.ts";
import type { Statements } from "../../observe/sqlite.ts";
import type { Home } from "../home/home.ts";
import { readSkill } from "../records/records.ts";
import { gatherSupply } from "./gather.ts";
import { idsMentioning, installedOffers, offerOf } from "./installed.ts";
import { fulfils, type Offer, resolveDependencies, shown } from "./resolve.ts";

/**
 * What has to be installed before a skill, in that order: packages of the home.
 *
 * @throws {SkillError} `dependency_unsatisfiable` when something is neither installed nor in the home, when skills need
 *   one another, or when what an installed skill needs would be replaced
 */
export async function missingDependencies(home: Home, manifest: PythonManifest): Promise<readonly Offer[]> {
  const root = offerOf(manifest, false);
  const needed = resolveDependencies(root, await gatherSupply(home, root));
  return needed.filter((offer) => offer !== root && !offer.installed);
}

/**
 * What a skill needs must be installed already: who approved that skill approved nothing else.
 *
 * @throws {SkillError} `dependency_unsatisfiable`
 */
export async function requireDependencies(home: Home, manifest: PythonManifest): Promise<void> {
  const [first] = await missingDependencies(home, manifest);
  if (first === undefined) return;
  throw new SkillError(
    "dependency_unsatisfiable",
    `"${manifest.id} ${manifest.version}" needs "${shown(first)}", which is not installed`,
    { fix: `install "${first.id}", which is in the home, and try again`, details: { install: first.id } },
  );
}

/** Looks once more, in the transaction that installs. @throws {SkillError} `conflict` */
export function requireFulfilled(sql: Statements, { id, dependencies }: PythonManifest): void {
  for (const [name, range] of Object.entries(dependencies)) {
    const ids = new Set([name, ...idsMentioning(sql, [name])]);
    const records = [...ids].filter((other) => other !== id).map((other) => readSkill(sql, other));
    const does = records.some((record) =>
      record !== undefined && installedOffers(record).some((offer) => fulfils(offer, name, range))
    );
    if (does) continue;
    throw new SkillError(
      "conflict",
      `"${name}", which "${id}" needs, was taken away while it was installed`,
      {
        fix: "try again",
      },
    );
  }
}
